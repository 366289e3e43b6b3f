// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// One value while it is being read. Every method reports what is wrong and then returns nil.
package struct ConfigValue {
    package let node: ConfigNode
    package let path: String
    let pattern: String
    let reader: ConfigReader

    package func fail<Result>(_ message: String) -> Result? {
        report(message)
        return nil
    }

    package func report(_ message: String) { reader.report(message, at: path, line: node.line, file: node.file) }

    package func section() -> ConfigSection? {
        switch node.content {
        case .section(let entries):
            return ConfigSection(entries: entries, node: node, path: path, pattern: pattern, reader: reader)
        case .empty: return ConfigSection(entries: [], node: node, path: path, pattern: pattern, reader: reader)
        case .scalar, .text, .list: return fail("a section with keys is wanted, not \(node.noun)")
        }
    }

    /// The values of a list; one value alone is no list.
    package func list() -> [ConfigValue]? {
        guard case .list(let items) = node.content else { return fail("a list is wanted, not \(node.noun)") }
        return items.enumerated().map { index, item in
            ConfigValue(node: item, path: "\(path)[\(index)]", pattern: "\(pattern)[]", reader: reader)
        }
    }

    /// A list of at least one value, each read by `read`, none twice.
    func set<Element: Hashable>(_ read: (ConfigValue) -> Element?) -> Set<Element>? {
        guard let items = list() else { return nil }
        guard !items.isEmpty else { return fail("at least one is wanted") }
        var found: Set<Element> = []
        for item in items {
            guard let element = read(item) else { continue }
            if !found.insert(element).inserted { let _: Never? = item.fail("given more than once") }
        }
        return found
    }

    /// Text as written, on one line.
    package func string() -> String? {
        switch node.content {
        case .scalar(let text), .text(let text):
            guard !text.isEmpty else { return fail("must not be empty") }
            guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
                return fail("must not have control characters")
            }
            return text
        case .empty: return fail("must not be empty")
        case .list, .section: return fail("a single value is wanted, not \(node.noun)")
        }
    }

    package func bool() -> Bool? {
        switch node.content {
        case .scalar("true"): return true
        case .scalar("false"): return false
        case .scalar, .text, .empty, .list, .section: return fail("true or false is wanted")
        }
    }

    package func integer(in range: ClosedRange<Int>) -> Int? {
        guard case .scalar(let text) = node.content, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(text)
        else { return fail("a whole number is wanted") }
        guard range.contains(number) else {
            return fail("\(number) is not in \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// - Parameter range: what is permitted, in whole seconds.
    func duration(in range: ClosedRange<Int64>) -> Duration? {
        guard let text = string() else { return nil }
        guard let seconds = parseDuration(text) else {
            return fail("\(quoted(text)) is no duration; write it with its unit, such as 90s, 15m, 12h or 1-00:00:00")
        }
        guard range.contains(seconds) else {
            return fail("\(text) is not in \(range.lowerBound)s to \(range.upperBound)s")
        }
        return .seconds(seconds)
    }

    /// Bytes.
    func size(in range: ClosedRange<Int64>) -> Int64? {
        guard let text = string() else { return nil }
        guard let bytes = parseSize(text) else {
            return fail("\(quoted(text)) is no size; write it with its unit, such as 512M or 256G (powers of 1024)")
        }
        guard range.contains(bytes) else {
            return fail("\(text) is not in \(range.lowerBound) to \(range.upperBound) bytes")
        }
        return bytes
    }

    package func name<Value: Name>(_ type: Value.Type) -> Value? {
        guard let text = string() else { return nil }
        guard let name = Value(rawValue: text) else {
            return fail("\(Value.noun) \(quoted(text)) is not valid: \(Value.rule)")
        }
        return name
    }

    package func choice<Value: RawRepresentable & CaseIterable>(_ type: Value.Type) -> Value?
    where Value.RawValue == String {
        guard let text = string() else { return nil }
        guard let value = Value(rawValue: text) else {
            let known = Value.allCases.map(\.rawValue)
            let near = nearest(to: text, among: known)
            return fail(
                "\(quoted(text)) is not one of \(known.joined(separator: ", "))"
                    + (near.map { "; did you mean \(quoted($0))?" } ?? ""))
        }
        return value
    }

    /// An absolute path without `.` or `..`.
    package func absolutePath() -> String? {
        guard let text = string() else { return nil }
        guard let path = cleanPath(text) else {
            return fail("\(quoted(text)) is not an absolute path without . and ..")
        }
        return path
    }

    /// An absolute path of a unix socket: 107 bytes at most (unix(7)).
    func socketPath() -> String? {
        guard let path = absolutePath() else { return nil }
        guard path.utf8.count <= 107 else { return fail("a socket's path has at most 107 bytes") }
        return path
    }

    /// The path of a file that only its owner can read; looked at where files are checked.
    func privateFile() -> String? {
        guard let path = absolutePath() else { return nil }
        switch reader.files {
        case .skip: return path
        case .check:
            do {
                try checkPrivateFile(path)
                return path
            } catch {
                return fail(error.description)
            }
        }
    }

    /// A file that must be there and readable.
    func readableFile() -> String? {
        guard let path = absolutePath() else { return nil }
        switch reader.files {
        case .skip: return path
        case .check:
            do {
                try checkReadableFile(path)
                return path
            } catch {
                return fail(error.description)
            }
        }
    }

    /// The path of a file of host keys that nobody but its owner can write.
    func knownHostsFile() -> String? {
        guard let path = absolutePath() else { return nil }
        switch reader.files {
        case .skip: return path
        case .check: return problemOfKnownHostsFile(path).map { fail($0) } ?? path
        }
    }

    /// `{file: PATH}` or `{environment: VARIABLE}`.
    func secret() -> SecretReference? {
        guard let section = section() else { return nil }
        let file = section.optional("file")
        let variable = section.optional("environment")
        section.close()
        switch (file, variable) {
        case (let file?, nil): return file.privateFile().map { .file(path: $0) }
        case (nil, let variable?): return variable.string().map { .environment(variable: $0) }
        case (nil, nil), (_?, _?): return fail("either file or environment is wanted, never the secret itself")
        }
    }
}

func cleanPath(_ text: String) -> String? {
    guard text.utf8.first == 0x2f, text.utf8.count > 1, text.utf8.last != 0x2f else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    return parts.contains { $0.isEmpty || $0 == "." || $0 == ".." } ? nil : text
}
