// SPDX-License-Identifier: Apache-2.0

import SallyConfig

/// Writes what `ConfigNode` reads: YAML 1.2 of which nothing is lost, in block style, short lists on one line.
enum YAMLText {
    static func write(_ entries: [ConfigNode.Entry]) -> String { lines(entries, "").joined(separator: "\n") + "\n" }

    private static func lines(_ entries: [ConfigNode.Entry], _ indent: String) -> [String] {
        entries.flatMap { entry -> [String] in
            let key = indent + text(entry.key) + ":"
            if let short = short(entry.value), short.utf8.count <= 100 { return ["\(key) \(short)"] }
            switch entry.value.content {
            case .section(let inner): return [key] + lines(inner, indent + "  ")
            case .list(let items): return [key] + items.flatMap { self.items($0, indent + "  ") }
            case .empty, .scalar, .text: return ["\(key) \(short(entry.value) ?? "~")"]
            }
        }
    }

    private static func items(_ item: ConfigNode, _ indent: String) -> [String] {
        if let short = short(item) { return ["\(indent)- \(short)"] }
        switch item.content {
        case .section(let entries): return marked(lines(entries, indent + "  "), indent)
        case .list(let items): return marked(items.flatMap { self.items($0, indent + "  ") }, indent)
        case .empty, .scalar, .text: return []
        }
    }

    /// The first of an item's lines with the dash in place of its indentation.
    private static func marked(_ lines: [String], _ indent: String) -> [String] {
        guard let first = lines.first else { return [] }
        return ["\(indent)- \(first.dropFirst(indent.utf8.count + 2))"] + lines.dropFirst()
    }

    /// On one line: single values and lists of such; nil for what has keys.
    private static func short(_ node: ConfigNode) -> String? {
        switch node.content {
        case .empty: return "~"
        case .scalar(let value): return value.utf8.allSatisfy(isPlain) && !value.isEmpty ? value : quotes(value)
        case .text(let value): return text(value)
        case .list(let items):
            let texts = items.compactMap(short)
            return texts.count == items.count ? "[\(texts.joined(separator: ", "))]" : nil
        case .section(let entries): return entries.isEmpty ? "{}" : nil
        }
    }

    /// Without quotes only what no reader of YAML takes for anything but text.
    private static func text(_ value: String) -> String {
        let words: Set<String> = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        guard let first = value.utf8.first, isLetter(first) || first == 0x2f || value.hasPrefix("~/"),
            value.utf8.dropFirst().allSatisfy(isPlain), !words.contains(value.lowercased())
        else { return quotes(value) }
        return value
    }

    private static func quotes(_ value: String) -> String {
        var result = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _
            where scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value) || scalar.value > 0xd7ff
                || scalar.value == 0x2028 || scalar.value == 0x2029:
                let digits = String(scalar.value, radix: 16)
                result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) }

    private static func isPlain(_ byte: UInt8) -> Bool {
        isLetter(byte) || (0x30...0x39).contains(byte) || "_./-+$".utf8.contains(byte)
    }
}
