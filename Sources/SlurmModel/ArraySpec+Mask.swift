// SPDX-License-Identifier: Apache-2.0

extension ArraySpec {
    /// The tasks of a mask, as accounting has those of an array that have not begun (22.05.8 and 24.11.5, observed: `0x3FE` for 1-9):
    /// hexadecimal after `0x`, with task 0 as the last bit (Slurm's src/common/bitstring.c, `bit_unfmt_hexmask`).
    ///
    /// Nil for what is no mask, for one of no task, and for one whose tasks are too many ranges to be told.
    package init?(mask text: String) {
        guard text.hasPrefix("0x") else { return nil }
        let digits = text.utf8.dropFirst(2)
        guard digits.count <= ArraySpec.limit / 4 + 1 else { return nil }
        var ranges: [(first: Int, last: Int)] = []
        for (place, digit) in digits.reversed().enumerated() {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            for bit in 0..<4 where value >> bit & 1 == 1 {
                let task = 4 * place + bit
                if let last = ranges.last?.last, last + 1 == task {
                    ranges[ranges.count - 1].last = task
                } else {
                    ranges.append((task, task))
                }
            }
            guard ranges.count <= 1000 else { return nil }
        }
        let words = ranges.map { $0 == $1 ? "\($0)" : "\($0)-\($1)" }
        guard let tasks = try? ArraySpec(words.joined(separator: ",")) else { return nil }  // none, or too long a text
        self = tasks
    }
}
