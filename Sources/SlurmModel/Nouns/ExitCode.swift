// SPDX-License-Identifier: Apache-2.0

import StrictJSON

/// How a job or step ended, as slurmrestd writes it since v0.0.38's accounting: `{status, return_code, signal}`. Neutrally
/// the status of waitpid(2), from which the rest follows; unset is what has not ended.
enum ExitCode {
    /// What a status of waitpid(2) may be where it is a plain number: as slurmctld keeps it, in 32 bits, of which the two
    /// largest numbers, INFINITE and NO_VAL, say that there is none.
    static let possible: ClosedRange<Int64> = 0...Int64(UInt32.max) - 2

    static func value(_ json: JSONValue) -> FieldValue {
        let status = json["status"]?.array?.compactMap(\.string) ?? json["status"]?.string.map { [$0] } ?? []
        // v0.0.38 calls it signal_id.
        let signal = Quantity(json["signal"]?["id"] ?? json["signal"]?["signal_id"] ?? .null).number ?? 0
        if signal > 0, signal < 0x80 { return .integer(signal | (status.contains("CORE_DUMPED") ? 0x80 : 0)) }
        guard let code = Quantity(json["return_code"] ?? .null).number, code >= 0, code <= 0xff_ffff else {
            return status == ["SUCCESS"] ? .integer(0) : .unset
        }
        return .integer(code << 8)
    }

    static func json(_ value: FieldValue) -> JSONValue {
        let wait = value.integer
        let signal = wait.map { $0 & 0x7f } ?? 0
        let code = wait.flatMap { signal == 0 ? $0 >> 8 : nil }
        var status: [JSONValue] = []
        if wait == nil {
            status = ["PENDING"]
        } else if signal > 0 {
            status = (wait ?? 0) & 0x80 == 0 ? ["SIGNALED"] : ["SIGNALED", "CORE_DUMPED"]
        } else {
            status = [code == 0 ? "SUCCESS" : "ERROR"]
        }
        return [
            "status": .array(status),
            "return_code": ["set": .bool(code != nil), "infinite": false, "number": .integer(code ?? 0)],
            "signal": [
                "id": ["set": .bool(signal > 0), "infinite": false, "number": .integer(signal)],
                "name": .string(names[signal] ?? ""),
            ],
        ]
    }

    /// Linux's numbers, as slurmrestd names them.
    private static let names: [Int64: String] = [
        1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 10: "USR1",
        11: "SEGV", 12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM", 16: "STKFLT", 17: "CHLD", 18: "CONT", 19: "STOP",
        20: "TSTP", 21: "TTIN", 22: "TTOU", 23: "URG", 24: "XCPU", 25: "XFSZ", 26: "VTALRM", 27: "PROF", 28: "WINCH",
        29: "IO", 30: "PWR", 31: "SYS",
    ]
}
