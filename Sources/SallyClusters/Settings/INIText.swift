// SPDX-License-Identifier: Apache-2.0

import SallyConfig

/// Values as a StarCluster file has them; nil for what would be read back as something else.
enum INIText {
    static func value(_ content: ConfigNode.Content, _ form: StarClusterKeys.Form) -> String? {
        switch (form, content) {
        case (.clusterSize, .scalar(let text)): return Int(text).flatMap { $0 < 64_000 ? String($0 + 1) : nil }
        case (.list, .list(let items)), (.names, .list(let items)):
            let texts = items.map { item($0.content, without: ",") }
            return texts.contains(nil) ? nil : texts.compactMap(\.self).joined(separator: ", ")
        case (.counts, .section(let entries)):
            let texts = entries.map { entry -> String? in
                guard let count = item(entry.value.content, without: ",:"), isWord(entry.key, without: ",:") else {
                    return nil
                }
                return "\(entry.key):\(count)"
            }
            return texts.contains(nil) ? nil : texts.compactMap(\.self).joined(separator: ", ")
        case (.text, .scalar(let text)), (.text, .text(let text)), (.integer, .scalar(let text)),
            (.number, .scalar(let text)), (.number, .text(let text)), (.boolean, .scalar(let text)),
            (.shell, .scalar(let text)), (.shell, .text(let text)):
            return isWord(text, without: "") ? escaped(text) : nil
        case (_, .empty), (_, .scalar), (_, .text), (_, .list), (_, .section): return nil
        }
    }

    /// A name in `[kind NAME]`, where white space is one blank.
    static func isTitle(_ name: String) -> Bool {
        isWord(name, without: "[]") && !name.contains("  ") && !name.contains("\t")
    }

    /// A key, which is read in lower case.
    static func isKey(_ key: String) -> Bool {
        guard let first = key.utf8.first, first != 0x5b, key == key.lowercased() else { return false }
        return isWord(key, without: "=:")
    }

    private static func item(_ content: ConfigNode.Content, without: String) -> String? {
        switch content {
        case .scalar(let text), .text(let text): isWord(text, without: without) ? escaped(text) : nil
        case .empty, .list, .section: nil
        }
    }

    /// Whether it comes back as it is: one line, no white space around it, no comment in it.
    private static func isWord(_ text: String, without: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        guard let first = scalars.first, let last = scalars.last, !first.properties.isWhitespace,
            !last.properties.isWhitespace, first != "#", first != ";", text != "\"\""
        else { return false }
        for (index, scalar) in scalars.enumerated() {
            guard scalar.value >= 0x20, scalar.value != 0x7f, !without.unicodeScalars.contains(scalar) else {
                return false
            }
            if scalar == "#" || scalar == ";", index > 0, scalars[index - 1].properties.isWhitespace { return false }
        }
        return true
    }

    private static func escaped(_ text: String) -> String {
        // By bytes: for Swift a % and the accent behind it are one character, and no %.
        let parts = text.utf8.split(separator: 0x25, omittingEmptySubsequences: false)
        return parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "%%")
    }
}
