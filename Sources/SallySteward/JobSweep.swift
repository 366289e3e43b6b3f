// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyModel
import SallyTransport

/// Looks through the queue for managed people's jobs that write elsewhere than by Slurm's default: Slurm 22.05's
/// accounting keeps no paths, and slurmctld forgets a job MinJobAge after its end. One connection, one squeue, whatever
/// the number of jobs.
enum JobSweep {
    private static let script = #"""
        main() {
            local uids=$1
            set -o pipefail
            squeue -h -a -t all -u "$uids" \
                -O JobID:16,UserID:16,SubmitTime:24,WorkDir:1024,STDOUT:1024,STDERR:1024 | awk '
                function cut(from, width, text) { text = substr($0, from, width); sub(/ +$/, "", text); return text }
                length($0) == 3128 && !/\t/ {
                    job = cut(1, 16); folder = cut(57, 1024); out = cut(1081, 1024); err = cut(2105, 1024)
                    if (length(out) == 1024 || length(err) == 1024) next
                    if (err == "") err = out
                    usual = folder "/slurm-" job ".out"
                    if ((out == usual || out == "") && err == out) next
                    printf "%s\t%s\t%s\t%s\t%s\n", job, cut(17, 16), cut(33, 24), out, err
                }' || exit 69
            printf 'end\n'
        }
        main "$@" </dev/null
        """#

    static func invocation(_ uids: [UserID], in layout: ClusterLayout) -> Invocation {
        .script(
            layout.prologue + script, arguments: [uids.map { "\($0)" }.joined(separator: ",")], deadline: .seconds(60),
            outputLimit: 32 << 20)
    }

    /// Jobs whose paths are absolute and hold no pattern any more.
    ///
    /// - Throws: `SallyError(.unavailable)` when the answer is cut off.
    static func parse(_ output: String) throws -> [JobFiles] {
        var ended = false
        let jobs = output.split(separator: "\n").compactMap { line -> JobFiles? in
            if line == "end" { ended = true }
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 5, let job = try? JobID(fields[0]), let uid = UInt32(fields[1]) else { return nil }  // skipped
            guard fields[3].hasPrefix("/"), fields[4].hasPrefix("/"), !fields[3].contains("%"), !fields[4].contains("%")
            else { return nil }
            return JobFiles(
                job: job, uid: uid, submitted: fields[2], standardOutput: fields[3], standardError: fields[4])
        }
        guard ended else { throw SallyError(.unavailable, "the queue could not be looked through") }
        return jobs
    }
}
