// SPDX-License-Identifier: Apache-2.0

/// How JSON is written.
package struct JSONLayout: Sendable, Equatable {
    package enum KeyOrder: Sendable { case asGiven, sorted }
    package enum Spacing: Sendable { case none, indented }

    package var keyOrder: KeyOrder
    package var spacing: Spacing

    package init(keyOrder: KeyOrder, spacing: Spacing) {
        self.keyOrder = keyOrder
        self.spacing = spacing
    }

    /// No white space, keys as they were given.
    package static let compact = JSONLayout(keyOrder: .asGiven, spacing: .none)
    /// No white space, keys by their UTF-8 bytes: equal values give equal bytes.
    package static let sorted = JSONLayout(keyOrder: .sorted, spacing: .none)
    /// For people: two spaces a level.
    package static let indented = JSONLayout(keyOrder: .asGiven, spacing: .indented)
}

extension JSONValue {
    /// The value as UTF-8. Strings are escaped only where RFC 8259 section 7 demands it.
    package func bytes(_ layout: JSONLayout = .compact) -> [UInt8] {
        var writer = JSONWriter(layout: layout)
        writer.write(self, level: 0)
        return writer.output
    }

    package func text(_ layout: JSONLayout = .compact) -> String { String(decoding: bytes(layout), as: UTF8.self) }
}

private struct JSONWriter {
    let layout: JSONLayout
    var output: [UInt8] = []

    mutating func write(_ value: JSONValue, level: Int) {
        switch value {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .number(let text): output += text.utf8
        case .string(let text): write(text)
        case .array(let elements):
            list("[", "]", elements, level: level) { writer, element in writer.write(element, level: level + 1) }
        case .object(let object):
            var members = Array(object)
            if layout.keyOrder == .sorted { members.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } }
            list("{", "}", members, level: level) { writer, member in
                writer.write(member.key)
                writer.output += (writer.layout.spacing == .none ? ":" : ": ").utf8
                writer.write(member.value, level: level + 1)
            }
        }
    }

    private mutating func list<Element>(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ elements: [Element], level: Int,
        write: (inout JSONWriter, Element) -> Void
    ) {
        output.append(UInt8(ascii: open))
        for (index, element) in elements.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            newLine(level + 1)
            write(&self, element)
        }
        if !elements.isEmpty { newLine(level) }
        output.append(UInt8(ascii: close))
    }

    private mutating func newLine(_ level: Int) {
        guard layout.spacing == .indented else { return }
        output.append(0x0a)
        output.append(contentsOf: repeatElement(0x20, count: 2 * level))
    }

    private mutating func write(_ text: String) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0x0a: output += "\\n".utf8
            case 0x0d: output += "\\r".utf8
            case 0x09: output += "\\t".utf8
            case 0..<0x20:
                output += "\\u00".utf8
                output += (byte < 0x10 ? "0" : "1").utf8
                output += String(byte & 0x0f, radix: 16).utf8
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
