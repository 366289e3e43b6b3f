// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Yams

extension ConfigNode {
    /// Reads one YAML document.
    ///
    /// - Throws: `ConfigError` for what is no YAML, more than one document, a key given twice, a key that is no text, a
    ///   mapping nested deeper than 32, and aliases (`*name`), which make files hard to review.
    static func yaml(_ text: String, file: String) throws(ConfigError) -> ConfigNode {
        func problem(_ line: Int?, _ message: String) -> ConfigError {
            ConfigError([ConfigProblem(file: file, line: line, path: "", message: message)])
        }
        do {
            let parser = try Parser(yaml: text, encoding: .utf8)
            // A node knows its anchor only as long as the parser lives.
            return try withExtendedLifetime(parser) {
                guard let root = try parser.singleRoot() else { return ConfigNode(line: 1, content: .empty) }
                return try converted(root, depth: 0)
            }
        } catch let error as YamlError {
            throw problem(error.line, error.plain)
        } catch let error as Refused {
            throw problem(error.line, error.message)
        } catch {
            throw problem(nil, "cannot be read as YAML")
        }
    }

    private struct Refused: Error {
        let line: Int?
        let message: String
    }

    private static func converted(_ node: Node, depth: Int) throws(Refused) -> ConfigNode {
        let line = node.mark?.line
        guard depth < 32 else { throw Refused(line: line, message: "nested too deeply") }
        if node.anchor != nil { throw Refused(line: line, message: "anchors and aliases are not allowed here") }
        switch node {
        case .scalar(let scalar):
            return ConfigNode(line: line ?? 1, content: content(of: scalar))
        case .sequence(let sequence):
            var items: [ConfigNode] = []
            for item in sequence { items.append(try converted(item, depth: depth + 1)) }
            return ConfigNode(line: line ?? 1, content: .list(items))
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    throw Refused(line: key.mark?.line, message: "a key must be text")
                }
                entries.append(
                    Entry(
                        key: name.string, line: key.mark?.line ?? line ?? 1,
                        value: try converted(value, depth: depth + 1)))
            }
            return ConfigNode(line: line ?? 1, content: .section(entries))
        case .alias:
            throw Refused(line: line, message: "anchors and aliases are not allowed here")
        }
    }

    private static func content(of scalar: Node.Scalar) -> Content {
        guard scalar.style == .plain || scalar.style == .any else { return .text(scalar.string) }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return .empty
        default: return .scalar(scalar.string)
        }
    }
}

extension YamlError {
    fileprivate var line: Int? {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        case .no, .memory, .reader, .writer, .emitter, .representer, .dataCouldNotBeDecoded: nil
        }
    }

    /// The problem without the text around it, which may hold what is nobody's business.
    fileprivate var plain: String {
        switch self {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _):
            "not valid YAML: \(problem)"
        case .reader(let problem, _, _, _): "not valid YAML: \(problem)"
        case .duplicatedKeysInMapping(let keys, _):
            "given more than once: \(keys.map { quoted($0) }.joined(separator: ", "))"
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded: "cannot be read as YAML"
        }
    }
}
