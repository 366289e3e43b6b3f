// SPDX-License-Identifier: Apache-2.0

/// The most that one job may use under an allow rule; of an array, the most that each of its tasks may use. Nil is no
/// limit of ours: Slurm's own still hold.
package struct Limits: Sendable, Equatable {
    package var nodes: Int?
    package var cpus: Int?
    /// Bytes, over all nodes of the job.
    package var memory: Int64?
    /// GPUs of whatever type, over all nodes of the job.
    package var gpus: Int?
    /// GPUs by the type of their GRES in lower case, over all nodes of the job. Where types are given and `gpus` is not, a type that is
    /// not listed is not permitted. A request that names no type counts against every type given here, because Slurm may
    /// hand out any (slurm.conf's resource limits: limits of a type do not hold for requests without one).
    package var gpusByType: [String: Int]
    /// How long the job may run.
    package var time: Duration?
    /// How many tasks an array may have.
    package var arrayTasks: Int?

    package init(
        nodes: Int? = nil, cpus: Int? = nil, memory: Int64? = nil, gpus: Int? = nil, gpusByType: [String: Int] = [:],
        time: Duration? = nil, arrayTasks: Int? = nil
    ) {
        self.nodes = nodes
        self.cpus = cpus
        self.memory = memory
        self.gpus = gpus
        self.gpusByType = Dictionary(gpusByType.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: min)
        self.time = time
        self.arrayTasks = arrayTasks
    }

    package var isEmpty: Bool { self == Limits() }
}

/// One limit that a job exceeds.
package struct Excess: Sendable, Equatable, CustomStringConvertible {
    /// The limit with its unit, such as `nodes`, `GPUs of type a100`, `time`.
    package var limit: String
    package var asked: String
    package var permitted: String

    package init(limit: String, asked: String, permitted: String) {
        self.limit = limit
        self.asked = asked
        self.permitted = permitted
    }

    package var description: String { "\(limit): \(asked) asked, \(permitted) permitted" }
}

extension Limits {
    /// What of `job` is over these limits; empty when the job is within all of them.
    func excesses(of job: JobFacts) -> [Excess] {
        var found: [Excess] = []
        func check<Value: Comparable>(
            _ limit: String, _ asked: Value?, _ permitted: Value?, _ text: (Value) -> String
        ) {
            guard let permitted else { return }
            guard let asked else {
                found.append(Excess(limit: limit, asked: "no bound", permitted: text(permitted)))
                return
            }
            guard asked > permitted else { return }
            found.append(Excess(limit: limit, asked: text(asked), permitted: text(permitted)))
        }
        check("nodes", job.nodes, nodes) { "\($0)" }
        check("CPUs", job.cpus, cpus) { "\($0)" }
        check("memory", job.memory, memory, describeBytes)
        check("GPUs", job.gpus, gpus) { "\($0)" }
        found += typedExcesses(of: job)
        check("time", job.time, time, describeTime)
        check("array tasks", job.arrayTasks, arrayTasks) { "\($0)" }
        return found
    }

    private func typedExcesses(of job: JobFacts) -> [Excess] {
        guard !gpusByType.isEmpty else { return [] }
        var found: [Excess] = []
        for (type, permitted) in gpusByType.sorted(by: { $0.key < $1.key }) {
            let (asked, overflow) = job.gpusByType[type, default: 0].addingReportingOverflow(job.untypedGPUs)
            let unbounded = overflow || job.untypedGPUs == .max
            guard unbounded || asked > permitted else { continue }
            let note = job.untypedGPUs > 0 ? " (those without a type count as every type)" : ""
            found.append(
                Excess(
                    limit: "GPUs of type \(type)", asked: unbounded ? "no bound" : "\(asked)\(note)",
                    permitted: "\(permitted)"))
        }
        guard gpus == nil else { return found }
        for (type, asked) in job.gpusByType.sorted(by: { $0.key < $1.key }) where gpusByType[type] == nil && asked > 0 {
            found.append(Excess(limit: "GPUs of type \(type)", asked: "\(asked)", permitted: "0"))
        }
        if job.untypedGPUs > 0 {
            found.append(
                Excess(
                    limit: "GPUs without a type", asked: job.untypedGPUs == .max ? "no bound" : "\(job.untypedGPUs)",
                    permitted: "0"))
        }
        return found
    }
}

/// Bytes in the largest binary unit that divides them, as Slurm writes sizes: `256G`.
package func describeBytes(_ bytes: Int64) -> String {
    var value = bytes
    for suffix in ["", "K", "M", "G"] {
        guard value != 0, value % 1024 == 0 else {
            return value == 0 ? "0" : "\(value)\(suffix.isEmpty ? "B" : suffix)"
        }
        value /= 1024
    }
    return "\(value)T"
}

/// A duration as Slurm writes times: `D-HH:MM:SS` or `HH:MM:SS`.
package func describeTime(_ time: Duration) -> String {
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let seconds = time.components.seconds
    let clock = "\(two(seconds % 86400 / 3600)):\(two(seconds % 3600 / 60)):\(two(seconds % 60))"
    return seconds >= 86400 ? "\(seconds / 86400)-\(clock)" : clock
}
