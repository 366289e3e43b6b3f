// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import SallyWire
import SlurmModel

/// A job as `sally jobs` shows it in its first column.
enum ShownJob: Equatable {
    case job(JobTarget)
    /// The one record of an array's tasks that wait, and its whole id: `123_[5-9%2]`.
    case waiting(JobID, String)

    static let notation =
        "\(JobTarget.notation); or the id of tasks that wait as `sally jobs` shows it, such as 123_[5-9]"

    /// - Throws: `JobTarget.refusal`.
    init(_ text: String) throws {
        guard let open = text.firstRange(of: "_[") else {
            self = .job(try JobTarget(text))
            return
        }
        guard text.hasSuffix("]"), let array = try? JobID(text[..<open.lowerBound])  // names all that is taken
        else { throw JobTarget.refusal(text, hint: ShownJob.notation) }
        self = .waiting(array, "\(array)\(text[open.lowerBound...])")
    }

    /// - Throws: what the gateway refuses.
    func view(of gateway: GatewayClient, _ cluster: ClusterName, _ here: Surroundings) async throws -> JobView {
        let path =
            switch self {
            case .job(let target): Path.job(cluster, target)
            // The one name in our paths that needs escapes.
            case .waiting(_, let id): "\(Path.jobs(cluster))/\(percentEncoded(id))"
            }
        return try await here.shared(path, of: gateway)
    }

    /// What somebody has to know who asked for a number and sees one of the records of an array.
    func note(_ job: JobView) -> String? {
        guard case .job(let target) = self, job.displayID != "\(target)",
            let bar = job.displayID.firstIndex(of: "_")
        else { return nil }
        let array = printable(String(job.displayID[..<bar]))
        return "this is \(printable(job.displayID)), one record of array \(array); "
            + "`sally jobs --array \(array) --all` lists its tasks"
    }

    /// What may have written something.
    ///
    /// - Throws: `SallyError(.invalidRequest)` for tasks that wait.
    func withOutput() throws -> JobTarget {
        switch self {
        case .job(let target): return target
        case .waiting(let array, let id):
            throw SallyError(
                .invalidRequest, "\(quoted(id)) is several tasks, and none of them has begun",
                hint: "name one task, such as \(array)_1")
        }
    }
}
