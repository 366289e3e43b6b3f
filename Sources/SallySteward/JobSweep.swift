// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyModel
import SallyTransport

/// Looks through the queue for managed people's jobs that write elsewhere than by Slurm's default: Slurm 22.05's
/// accounting keeps no paths, and slurmctld forgets a job MinJobAge after its end. One connection, one squeue, whatever
/// the number of jobs.
enum JobSweep {
    /// Only rows of the expected length are taken: a line feed in a name hides that job and nothing else.
    private static let script = #"""
        main() {
            local uids=$1 fields=$2 row=$3 folder=$4 out=$5 err=$6 width=$7
            set -o pipefail
            # Not `squeue -u`: one uid that does not resolve any more would fail all.
            squeue -h -a -t all -O "$fields" |
                awk -v uids=",$uids," -v row="$row" -v folder="$folder" -v out="$out" -v err="$err" -v width="$width" '
                function cut(from, width, text) { text = substr($0, from, width); sub(/ +$/, "", text); return text }
                length($0) == row && index(uids, "," cut(17, 16) ",") {
                    usual = cut(folder, width) "/slurm-" cut(1, 16) ".out"
                    where = cut(out, width)
                    other = cut(err, width)
                    if ((where == "" || where == usual) && (other == "" || other == usual)) next
                    print
                }' || exit 69
            printf 'end\n'
        }
        main "$@" </dev/null
        """#

    static func invocation(_ uids: [UserID], in layout: ClusterLayout) -> Invocation {
        let columns = JobLookup.columns
        let fields = columns.map { "\($0.name):\($0.width)" }.joined(separator: ",")
        let row = columns.reduce(0) { $0 + $1.width }
        let starts = (columns.count - 3..<columns.count).map { index in
            "\(columns[..<index].reduce(1) { $0 + $1.width })"
        }
        let list = uids.map { "\($0)" }.joined(separator: ",")
        return .script(
            layout.prologue + script,
            arguments: [list, fields, "\(row)"] + starts + ["\(columns[columns.count - 1].width)"],
            deadline: .seconds(60), outputLimit: 64 << 20)
    }

    /// Where the jobs write.
    ///
    /// - Throws: `SallyError(.unavailable)` when the answer is cut off.
    static func parse(_ output: [UInt8]) throws -> [JobFiles] {
        guard output.suffix(4).elementsEqual("end\n".utf8) else {
            throw SallyError(.unavailable, "the queue could not be looked through")
        }
        return JobLookup.rows(of: output[...]).compactMap { fields in
            guard let number = UInt32(fields[0]), let job = JobID(rawValue: number) else { return nil }
            return JobLookup.fromQueue(fields, job)?.files
        }
    }
}
