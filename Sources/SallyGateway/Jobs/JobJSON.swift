// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire

/// Writes jobs as API v1 has them: byte for byte what `StrictEncoder` makes of a `JobView`, at a fraction of its cost.
enum JobJSON {
    typealias Key = JobView.CodingKeys

    static func bytes(_ view: JobView) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(640)
        write(view, Key.allCases, into: &output)
        return output
    }

    /// The members in `keys`, in the order in which all are written.
    static func bytes(_ view: JobView, only keys: Set<Key>) -> [UInt8] {
        var output: [UInt8] = []
        write(view, Key.allCases.filter(keys.contains), into: &output)
        return output
    }

    private static func write(_ view: JobView, _ keys: [Key], into output: inout [UInt8]) {
        output.append(UInt8(ascii: "{"))
        for key in keys {
            let start = output.count
            if start > 1 { output.append(UInt8(ascii: ",")) }
            text(key.rawValue, &output)
            output.append(UInt8(ascii: ":"))
            if !value(view, key, &output) { output.removeSubrange(start...) }
        }
        output.append(UInt8(ascii: "}"))
    }

    /// - Returns: whether there is one.
    private static func value(_ view: JobView, _ key: Key, _ output: inout [UInt8]) -> Bool {
        switch key {
        case .job: number(Int(view.job.rawValue), &output)
        case .displayID: text(view.displayID, &output)
        case .cluster: text(view.cluster.rawValue, &output)
        case .name: text(view.name, &output)
        case .user: text(view.user, &output)
        case .account: text(view.account, &output)
        case .partition: text(view.partition, &output)
        case .qos: text(view.qos, &output)
        case .states: texts(view.states, &output)
        case .reason: text(view.reason, &output)
        case .submitted: number(view.submitted.map { Int($0.rawValue) }, &output)
        case .started: number(view.started.map { Int($0.rawValue) }, &output)
        case .ended: number(view.ended.map { Int($0.rawValue) }, &output)
        case .timeLimitMinutes: number(view.timeLimitMinutes, &output)
        case .nodes: number(view.nodes, &output)
        case .nodeList: text(view.nodeList, &output)
        case .cpus: number(view.cpus, &output)
        case .exitStatus: number(view.exitStatus, &output)
        case .signal: number(view.signal, &output)
        case .workingDirectory: text(view.workingDirectory, &output)
        case .standardOutput: text(view.standardOutput, &output)
        case .standardError: text(view.standardError, &output)
        case .tres: text(view.tres, &output)
        }
    }

    @discardableResult
    private static func number(_ number: Int?, _ output: inout [UInt8]) -> Bool {
        guard let number else { return false }
        output.append(contentsOf: String(number).utf8)
        return true
    }

    private static func texts(_ texts: [String], _ output: inout [UInt8]) -> Bool {
        output.append(UInt8(ascii: "["))
        for (index, word) in texts.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            text(word, &output)
        }
        output.append(UInt8(ascii: "]"))
        return true
    }

    /// Escaped only where RFC 8259 section 7 demands it.
    @discardableResult
    private static func text(_ text: String?, _ output: inout [UInt8]) -> Bool {
        guard let text else { return false }
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
            case 0x0a: output += "\\n".utf8
            case 0x0d: output += "\\r".utf8
            case 0x09: output += "\\t".utf8
            case 0..<0x20: output += "\\u00\(byte < 0x10 ? "0" : "1")\(String(byte & 0x0f, radix: 16))".utf8
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
        return true
    }
}
