// SPDX-License-Identifier: Apache-2.0

extension Character {
    /// How many columns a terminal gives it: two for what East Asia writes wide (Unicode UAX #11) and for pictures.
    var terminalColumns: Int {
        guard let first = unicodeScalars.first, first.value >= 0x300 else { return 1 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        // U+FE0F asks for the picture where there is a plain form as well.
        if first.properties.isEmojiPresentation || unicodeScalars.contains(where: { $0.value == 0xfe0f }) { return 2 }
        switch first.value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97c, 0xac00...0xd7a3, 0xf900...0xfaff,
            0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f900...0x1f9ff, 0x20000...0x3fffd:
            return 2
        default: return 1
        }
    }
}

extension String {
    var terminalColumns: Int { reduce(0) { $0 + $1.terminalColumns } }

    /// As much of it as fits.
    func cut(toColumns columns: Int) -> String {
        var left = columns
        var result = ""
        for character in self {
            left -= character.terminalColumns
            guard left >= 0 else { break }
            result.append(character)
        }
        return result
    }
}
