// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import StrictJSON

/// An answer of slurmrestd that is an object, whatever its HTTP status. Fields that are not known are ignored.
package struct SlurmReply: Sendable {
    package let json: JSONValue
    package let version: APIVersion

    package init(_ json: JSONValue, version: APIVersion) {
        self.json = json
        self.version = version
    }

    /// Why an answer cannot be believed.
    package struct Malformed: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String
        init(_ description: String) { self.description = description }
    }

    /// Everything in `errors[]`. An entry has `error_number` or, in what v0.0.36 to v0.0.38 answer to a submission,
    /// `error_code`.
    package var errors: [SlurmRefusal] { (json["errors"]?.array ?? []).map(SlurmReply.refusal) }

    /// The error that tells most: the first with a number of Slurm's own. Nil without errors.
    package var refusal: SlurmRefusal? {
        let errors = errors
        guard
            var main = errors.first(where: { $0.number > 0 && $0.number != 9001 })
                ?? errors.first(where: { $0.number > 0 })
        else { return errors.first }
        if main.number == 9001, let detail = errors.first(where: { $0.number != 9001 }) {
            main.text += ": " + detail.text
        }
        return main
    }

    /// What Slurm says of an accepted job; it carries no numbers.
    package var warnings: [String] {
        var texts: [String] = []
        for warning in json["warnings"]?.array ?? [] {
            guard let text = warning["description"]?.string ?? warning["warning"]?.string, !text.isEmpty else {
                continue
            }
            if !texts.contains(where: { $0.hasSuffix(text) }) { texts.append(text) }
        }
        return texts
    }

    /// What became of a submission. A job id decides: an accepted job that cannot start yet comes with errors (v0.0.38: in
    /// `errors[]`, later in `warnings[]`).
    /// - Throws: `Malformed` for an answer with neither a job nor an error.
    package func submission() throws(Malformed) -> Submission {
        let id = Quantity(json["job_id"] ?? .null).number
        if let id, id > 0 {
            guard let number = UInt32(exactly: id), let job = JobID(rawValue: number) else {
                throw Malformed("job_id \(id) is no job id")
            }
            let messages = SubmissionMessages(
                plugin: json["job_submit_user_msg"]?.string ?? "", others: errors.map(\.text) + warnings)
            return .accepted(job, messages: messages)
        }
        guard let refusal else { throw Malformed("neither a job id nor an error") }
        return .refused(refusal)
    }

    package enum Submission: Sendable, Equatable {
        case accepted(JobID, messages: SubmissionMessages)
        case refused(SlurmRefusal)
    }

    /// What slurmctld's statistics say of itself (sdiag(1)).
    /// - Throws: `Malformed` for an answer without the time, or how many messages wait for slurmdbd.
    package func diagnosis() throws(Malformed) -> Diagnosis {
        func number(_ key: String) -> Int64? { json["statistics"]?[key].flatMap { Quantity($0).number } }
        guard let time = number("req_time"), (1..<1 << 40).contains(time) else {
            throw Malformed("statistics without a time")
        }
        guard let waiting = number("dbd_agent_queue_size"), waiting >= 0 else {
            throw Malformed("statistics without what waits for slurmdbd")
        }
        let name = json["meta"]?["slurm"]?["cluster"]?.string
        return Diagnosis(
            time: Timestamp(time), accountingBacklog: waiting, clusterName: name.flatMap { $0.isEmpty ? nil : $0 })
    }

    package struct Diagnosis: Sendable, Equatable {
        /// slurmctld's clock when it answered.
        package var time: Timestamp
        /// Messages that slurmdbd has not got yet: until it has, accounting may not know of a job that ended.
        package var accountingBacklog: Int64
        /// slurm.conf's ClusterName (`meta.slurm.cluster`); nil where it is not said (v0.0.38).
        package var clusterName: String?

        package init(time: Timestamp, accountingBacklog: Int64 = 0, clusterName: String? = nil) {
            self.time = time
            self.accountingBacklog = accountingBacklog
            self.clusterName = clusterName
        }
    }

    /// What became of each job of a cancelling: `DELETE /slurm/VERSION/jobs/` (v0.0.40 and later).
    /// - Throws: `Malformed` without a list.
    package func cancellations() throws(Malformed) -> [(job: String, refusal: SlurmRefusal?)] {
        guard let list = json["status"]?.array else { throw Malformed("no status list") }
        return list.map { entry in
            let error = entry["error"] ?? .null
            let number = error["code"]?.integer() ?? 0
            let job = entry["job_id"]?.string ?? Quantity(entry["job_id"] ?? .null).number.map { "\($0)" } ?? ""
            guard number != 0 else { return (job, nil) }
            let text = error["message"]?.string ?? error["string"]?.string ?? "Slurm error \(number)"
            return (job, SlurmRefusal(number: number, text: text))
        }
    }

    /// The list of objects at `key`.
    func list(_ key: String) throws(Malformed) -> [JSONValue] {
        guard let list = json[key]?.array else { throw Malformed("no list \(key)") }
        return list
    }

    private static func refusal(_ json: JSONValue) -> SlurmRefusal {
        let number = json["error_number"]?.integer() ?? json["error_code"]?.integer() ?? -1
        let texts = [json["error"]?.string, json["description"]?.string].compactMap { $0 }.filter { !$0.isEmpty }
        // Slurm's own text is enough, but for what the parser says: there the description tells what was wrong.
        let joined = number >= 9000 || number < 0 ? texts.joined(separator: ": ") : texts.first
        return SlurmRefusal(number: number, text: joined.flatMap { $0.isEmpty ? nil : $0 } ?? "Slurm error \(number)")
    }
}
