// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import SallyWire
import SlurmModel

/// What somebody wants of the list of the own jobs. Nil asks for any.
struct JobListing: Sendable {
    /// With jobs that have ended, from accounting.
    var all = false
    /// From when on; nil is the last day.
    var since: Timestamp?
    /// Slurm's words.
    var states: [String]?
    /// As in the query, several with commas.
    var partition: String?
    var account: String?
    var name: String?
    /// This job, or the tasks of this array.
    var array: JobID?
    var sort: String?

    func path(_ cluster: ClusterName, after cursor: String? = nil) -> String {
        Path.jobs(cluster)
            + query([
                "all": all ? "true" : nil, "since": since.map { "\($0.rawValue)" },
                "state": states?.joined(separator: ","), "partition": partition, "account": account, "name": name,
                "array": array.map { "\($0)" }, "sort": sort, "cursor": cursor,
            ])
    }

    /// Every page; how old the first was goes to standard error while Slurm does not answer.
    func whole(_ gateway: GatewayClient, _ cluster: ClusterName, _ here: Surroundings) async throws -> JobList {
        var list = JobList(jobs: [])
        var cursor: String?
        repeat {
            let (page, stale) = try await gateway.getShared(path(cluster, after: cursor), as: JobList.self)
            if let stale, cursor == nil { try here.sayStale(stale) }
            list.omitted = page.omitted ?? list.omitted
            list.jobs += page.jobs
            cursor = page.next
        } while cursor != nil
        return list
    }

    /// The same conditions for jobs that are told one by one. One that can never be met is refused.
    func filter() throws -> JobBoard.Filter {
        for state in states ?? [] {
            guard case .other = JobState(state) else { continue }
            throw SallyError(
                .invalidRequest, "state \(quoted(state)) is not valid", hint: "as in squeue(1), such as RUNNING,PENDING"
            )
        }
        func values(_ name: String, _ text: String?) throws -> Set<String> {
            guard let text else { return [] }
            let values = text.split(separator: ",").map(String.init)
            guard !values.isEmpty else {
                throw SallyError(
                    .invalidRequest, "\(name) is not valid", hint: "one value, or several with commas between them")
            }
            return Set(values)
        }
        return JobBoard.Filter(
            states: try values("state", states?.joined(separator: ",")), partitions: try values("partition", partition),
            // Slurm keeps accounts in small letters, and takes any.
            accounts: Set(try values("account", account).map { $0.lowercased() }),
            names: try values("name", name))
    }

    /// What is said where nothing was found: what was asked for.
    func nothing(on cluster: ClusterName) -> String {
        func either(_ text: String) -> String {
            printable(text.split(separator: ",").joined(separator: " or "))
        }
        let conditions: [String?] = [
            states.map { either($0.joined(separator: ",")) }, partition.map { "in partition \(either($0))" },
            account.map { "of account \(either($0))" }, name.map { "named \(either($0))" },
            array.map { "of array \($0)" },
        ]
        let condition = conditions.compactMap { $0 }.joined(separator: " and ")
        guard all else {
            let what =
                condition.isEmpty
                ? "no job of yours on \(cluster) waits or runs"
                : "none of your jobs on \(cluster) that wait or run is \(condition)"
            return "\(what); `--all` shows finished ones"
        }
        let time = since.map { "since \($0)" } ?? "in the last day"
        let what =
            condition.isEmpty
            ? "you had no job on \(cluster) \(time)" : "no job of yours on \(cluster) \(time) is \(condition)"
        return since == nil ? "\(what); `--since now-7days` looks further back" : what
    }

    /// Slurm's words of a list of states, in which squeue's short ones may stand.
    static func stateWords(_ text: String) -> [String] {
        text.split(separator: ",").map { (JobState(short: String($0)) ?? JobState($0.uppercased())).description }
    }
}
