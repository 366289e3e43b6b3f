// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyModel
import SallyTransport

/// What Slurm knows of one job: who owns it, whether it goes on, where it writes.
struct JobLookup: Sendable, Equatable {
    var files: JobFiles
    var hasEnded: Bool
    /// Whether the paths are Slurm's own words; otherwise the default in the job's folder was taken, because this
    /// version's accounting keeps no paths (Slurm before 24.05).
    var pathsAreKnown: Bool

    /// Fields of fixed width: a name or path with separators in it cannot pretend to be another field.
    static let columns: [(name: String, width: Int)] = [
        ("JobID", 16), ("UserID", 16), ("State", 20), ("SubmitTime", 24), ("ArrayJobID", 16), ("ArrayTaskID", 16),
        ("BatchHost", 256), ("UserName", 64), ("Name", 256), ("WorkDir", 1024), ("STDOUT", 1024), ("STDERR", 1024),
    ]

    static let script = #"""
        main() {
            local job=$1 fields=$2 sep=$'\x1f' extra=
            queue=$(squeue -h -a -t all -j "$job" -O "$fields" 2>/dev/null && printf x) && [ "$queue" != x ] && {
                printf 'queue\n%s' "${queue%x}"
                exit 0
            }
            scontrol ping 2>/dev/null | grep -q 'is UP' || exit 69
            ! sacct --helpformat | grep -qiw stdout || extra=,stdout,stderr
            printf 'accounting\n'
            sacct -nPX -j "$job" --delimiter="$sep" \
                -o "jobidraw,uid,state,submit,jobid,nodelist,user,jobname%256,workdir%1024$extra" || exit 69
        }
        main "$@" </dev/null
        """#

    static func invocation(_ job: JobID, in layout: ClusterLayout) -> Invocation {
        let fields = columns.map { "\($0.name):\($0.width)" }.joined(separator: ",")
        return .script(
            layout.prologue + script, arguments: ["\(job)", fields], deadline: .seconds(15), outputLimit: 8 << 20)
    }

    /// Reads the script's answer.
    ///
    /// - Returns: nil when Slurm knows no such job.
    static func parse(_ output: [UInt8], job: JobID) -> JobLookup? {
        guard let end = output.firstIndex(of: 0x0a) else { return nil }
        let rest = output[(end + 1)...]
        switch String(decoding: output[..<end], as: UTF8.self) {
        case "queue": return rows(of: rest).first { $0[0] == "\(job)" }.flatMap { fromQueue($0, job) }
        case "accounting":
            return String(decoding: rest, as: UTF8.self).split(separator: "\n").lazy
                .map { $0.split(separator: "\u{1f}", omittingEmptySubsequences: false).map(String.init) }
                .first { $0[0] == "\(job)" }.flatMap { fromAccounting($0, job) }
        default: return nil
        }
    }

    /// Cuts squeue's answer by width, not by line: a line feed in a name cuts nothing.
    static func rows(of bytes: ArraySlice<UInt8>) -> [[String]] {
        let length = columns.reduce(1) { $0 + $1.width }
        var rows: [[String]] = []
        var start = bytes.startIndex
        while start + length <= bytes.endIndex {
            var at = start
            rows.append(
                columns.map { column in
                    defer { at += column.width }
                    var field = bytes[at..<(at + column.width)]
                    while field.last == 0x20 { field.removeLast() }
                    return String(decoding: field, as: UTF8.self)
                })
            start += length
        }
        return rows
    }

    static func fromQueue(_ fields: [String], _ job: JobID) -> JobLookup? {
        guard let uid = UInt32(fields[1]) else { return nil }
        // A field as wide as its column may have been cut.
        for (field, column) in zip(fields, columns).suffix(3) where field.utf8.count >= column.width { return nil }
        let inArray = UInt32(fields[4]) != nil && UInt32(fields[5]) != nil
        let pattern = FilePattern(
            job: job, arrayJob: inArray ? fields[4] : "\(job)", arrayTask: inArray ? fields[5] : nil, user: fields[7],
            jobName: fields[8], node: shortName(fields[6]), folder: fields[9])
        return JobLookup(
            files: files(pattern, uid, fields[3], fields[10], fields[11]), hasEnded: hasEnded(fields[2]),
            pathsAreKnown: true)
    }

    private static func fromAccounting(_ fields: [String], _ job: JobID) -> JobLookup? {
        guard fields.count == 9 || fields.count == 11, let uid = UInt32(fields[1]) else { return nil }
        let array = fields[4].split(separator: "_")
        let inArray = array.count == 2 && UInt32(array[1]) != nil
        let pattern = FilePattern(
            job: job, arrayJob: inArray ? String(array[0]) : "\(job)", arrayTask: inArray ? String(array[1]) : nil,
            user: fields[6], jobName: fields[7], node: firstNode(fields[5]), folder: fields[8])
        let known = fields.count == 11
        return JobLookup(
            files: files(pattern, uid, fields[3], known ? fields[9] : "", known ? fields[10] : ""),
            hasEnded: hasEnded(fields[2]), pathsAreKnown: known && !fields[9].isEmpty)
    }

    private static func files(
        _ pattern: FilePattern, _ uid: UInt32, _ submitted: String, _ output: String, _ error: String
    ) -> JobFiles {
        let path = pattern.expand(output)
        return JobFiles(
            job: pattern.job, uid: uid, submitted: submitted, standardOutput: path,
            standardError: error.isEmpty ? path : pattern.expand(error))
    }

    private static func hasEnded(_ state: String) -> Bool {
        let running: Set<Substring> = [
            "PENDING", "RUNNING", "SUSPENDED", "CONFIGURING", "COMPLETING", "RESIZING", "REQUEUED", "REQUEUE_HOLD",
            "REQUEUE_FED", "SIGNALING", "STAGE_OUT", "STOPPED", "SPECIAL_EXIT", "RESV_DEL_HOLD",
        ]
        return !running.contains(state.prefix { $0 != " " })  // `CANCELLED by 20001`
    }

    private static func shortName(_ host: String) -> String { String(host.prefix { $0 != "." }) }

    /// The first of a node list such as `node[001-004],gpu1`.
    private static func firstNode(_ list: String) -> String {
        guard let bracket = list.firstIndex(where: { $0 == "[" || $0 == "," }), list[bracket] == "[" else {
            return shortName(String(list.prefix { $0 != "," }))
        }
        return String(list[..<bracket] + list[list.index(after: bracket)...].prefix { $0.isASCII && $0.isNumber })
    }
}
