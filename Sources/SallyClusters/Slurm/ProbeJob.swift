// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

/// A job that does nothing, submitted the way the gateway submits: over slurmrestd, with a token. It shows that
/// slurmrestd, the keys, slurmctld, the accounting and the nodes work together.
struct ProbeJob {
    enum Purpose {
        /// Runs on all nodes.
        case run(nodes: Int)
        /// Is held: only its record matters.
        case hold
    }

    let release: DebianRelease
    let purpose: Purpose

    var body: JSONValue {
        var job = JSONObject()
        job["name"] = "sallyport-probe"
        job["partition"] = "debug"
        job["current_working_directory"] = "/"
        job["standard_output"] = "/dev/null"
        job["standard_error"] = "/dev/null"
        switch release {
        case .debian12: job["environment"] = ["PATH": "/usr/bin:/bin"]
        case .debian13: job["environment"] = ["PATH=/usr/bin:/bin"]
        }
        switch (purpose, release) {
        case (.run(let nodes), .debian12): job["nodes"] = .integer(nodes)
        case (.run(let nodes), .debian13): job["nodes"] = .string(String(nodes))
        case (.hold, _): job["hold"] = true
        }
        return ["script": "#!/bin/sh\ntrue\n", "job": .object(job)]
    }

    /// curl(1)'s configuration for the submission, for its standard input: a token on a command line could be seen.
    func curlConfiguration(token: Secret<String>) -> String {
        func line(_ key: String, _ value: String) -> String {
            let escaped = value.reduce(into: "") { text, character in
                switch character {
                case "\\", "\"": text += "\\\(character)"
                default: text.append(character)
                }
            }
            return "\(key) = \"\(escaped)\"\n"
        }
        return "silent\n" + line("max-time", "15") + line("unix-socket", "/run/slurmrestd/socket")
            + line("header", "X-SLURM-USER-NAME: root") + line("header", "X-SLURM-USER-TOKEN: \(token.reveal())")
            + line("header", "Content-Type: application/json") + line("data-raw", body.text())
            + line("url", "http://localhost/slurm/\(release.apiVersion)/job/submit")
    }

    /// The job id in slurmrestd's answer.
    ///
    /// - Throws: `SallyError(.slurmRefused)` with what Slurm said instead.
    static func jobID(inAnswer bytes: [UInt8]) throws -> JobID {
        let answer = try? JSONValue(parsing: bytes)  // a refusal before Slurm is text: said below
        if let number = answer?["job_id"]?.integer(UInt32.self), let id = JobID(rawValue: number) { return id }
        let said =
            answer?["errors"]?.array?.first?["error"]?.string ?? String(decoding: bytes.prefix(200), as: UTF8.self)
        throw SallyError(.slurmRefused, "the probe job was refused: \(said.isEmpty ? "no answer" : said)")
    }

    /// The value of a key in what `scontrol show` prints on one line: `AllocNode:Sid=master:1`.
    static func value(of key: String, in text: String) -> String? {
        text.split(whereSeparator: { $0 == " " || $0 == "\n" }).first { $0.hasPrefix("\(key)=") }
            .map { String($0.dropFirst(key.count + 1)) }
    }

    /// The host that slurmctld saw the submission come from, in its own spelling: `AllocNode:Sid=HOST:SESSION`.
    static func submitHost(in text: String) -> String? {
        guard let pair = value(of: "AllocNode:Sid", in: text), let colon = pair.lastIndex(of: ":") else { return nil }
        let host = String(pair[..<colon])
        return NodeName.accepts(host) ? host : nil
    }
}
