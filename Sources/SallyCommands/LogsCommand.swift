// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire
import SlurmModel
import StrictJSON

struct LogsCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print a job's output.",
        discussion: """
            The job is a number, 123_4 for a task of an array, or 123+1 for a component of a heterogeneous job. Each task of an \
            array has an output of its own: `sally jobs --array 123 --all` lists them, in its first column what to say here. \
            Interrupting --follow ends the watching, not the job. With --json every piece is one line, its data in base64.
            """)

    @Argument(help: "The job, a task, or a component.") var id: String
    @Flag(name: .customLong("stderr"), help: "Standard error instead of standard output.") var standardError = false
    @Flag(help: "Go on until the job has ended.") var follow = false
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let target = try ShownJob(id).withOutput()
        try await common.connected(here) { connection in
            let cluster = try await connection.cluster()
            var reader = OutputReader(
                gateway: connection.gateway, cluster: cluster, job: target,
                stream: standardError ? .standardError : .standardOutput)
            let put: (OutputView, [UInt8]) throws -> Void = { piece, bytes in
                if common.json { try here.putJSON("output", piece) } else { try here.output.write(bytes) }
            }
            guard follow else {
                while try await reader.next(put) == .more {}
                return
            }
            try await Follower(gateway: connection.gateway, cluster: cluster, job: target, here: here)
                .stream(&reader, put)
        }
    }
}

/// Reads a job's output piece by piece.
struct OutputReader {
    enum Progress { case more, caughtUp, ended }

    let gateway: GatewayClient
    let cluster: ClusterName
    let job: JobTarget
    let stream: OutputStream
    private(set) var offset: Int64 = 0

    init(gateway: GatewayClient, cluster: ClusterName, job: JobTarget, stream: OutputStream) {
        self.gateway = gateway
        self.cluster = cluster
        self.job = job
        self.stream = stream
    }

    /// Hands the next piece to `put`, if there is one.
    mutating func next(_ put: (OutputView, [UInt8]) throws -> Void) async throws -> Progress {
        let path =
            Path.output(cluster, job) + query(["stream": stream.rawValue, "offset": "\(offset)", "limit": "262144"])
        let piece: OutputView = try await gateway.get(path)
        guard let bytes = Base64.decode(piece.data), piece.nextOffset == offset + Int64(bytes.count) else {
            throw SallyError(.unavailable, "the gateway's answer about the output of job \(job) makes no sense")
        }
        if !bytes.isEmpty { try put(piece, bytes) }
        offset = piece.nextOffset
        if piece.final, offset >= piece.size { return .ended }
        return bytes.isEmpty || offset >= piece.size ? .caughtUp : .more
    }
}
