// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// What Slurm gives a job for each of its GPUs where the job says nothing: JobDefaults of slurm.conf(5), of the cluster or of a
/// partition, whose own goes first. DefCpuPerGPU and DefMemPerGPU written by themselves are the same thing.
///
/// No version of slurmrestd up to v0.0.44 reports the cluster's, and `defaults.job` of a partition is there from v0.0.40 on and
/// empty: its text is for changing a partition (slurm.h, `partition_info_t`). Nil is not said.
package struct JobDefaults: Sendable, Equatable, CustomStringConvertible {
    package var cpusPerGPU: Int?
    package var memoryPerGPU: Memory?

    /// A cluster that gives nothing.
    package static let nothing = JobDefaults(cpusPerGPU: 0, memoryPerGPU: Memory(mebibytes: 0))

    package init(cpusPerGPU: Int?, memoryPerGPU: Memory?) {
        self.cpusPerGPU = cpusPerGPU
        self.memoryPerGPU = memoryPerGPU
    }

    /// Reads `DefCpuPerGPU=4,DefMemPerGPU=8192` as scontrol(1) shows it: memory in MiB, names in whatever case.
    /// - Throws: `SallyError(.invalidRequest)`.
    package init(_ text: String) throws {
        guard !text.isEmpty else { return }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, let number = decimal(sides[1]) else { throw JobDefaults.refused(text) }
            switch sides[0].lowercased() {
            case "defcpupergpu" where cpusPerGPU == nil: cpusPerGPU = number
            case "defmempergpu" where memoryPerGPU == nil: memoryPerGPU = Memory(mebibytes: Int64(number))
            default: throw JobDefaults.refused(text)
            }
        }
    }

    /// What everything of a cluster says: what is left out is nothing.
    package var whole: JobDefaults {
        JobDefaults(cpusPerGPU: cpusPerGPU ?? 0, memoryPerGPU: memoryPerGPU ?? Memory(mebibytes: 0))
    }

    package var description: String {
        var parts: [String] = []
        if let cpusPerGPU { parts.append("DefCpuPerGPU=\(cpusPerGPU)") }
        if let memoryPerGPU { parts.append("DefMemPerGPU=\(memoryPerGPU.mebibytes)") }
        return parts.joined(separator: ",")
    }

    private static func refused(_ text: String) -> SallyError {
        SallyError(
            .invalidRequest, "job defaults \(quoted(text)) are not valid",
            hint:
                "DefCpuPerGPU=NUMBER,DefMemPerGPU=MIB, each at most once, as `scontrol show config` writes JobDefaults")
    }
}
