// SPDX-License-Identifier: Apache-2.0

/// Where a value stands in a JSON text: `job.environment.PATH`, `jobs[3].name`. The empty path is the whole text.
package struct JSONPath: Sendable, Hashable, CustomStringConvertible {
    package private(set) var steps: [Step] = []

    package enum Step: Sendable, Hashable {
        case key(String)
        case index(Int)
    }

    package init(_ steps: [Step] = []) { self.steps = steps }

    package var isEmpty: Bool { steps.isEmpty }

    package func appending(_ step: Step) -> JSONPath { JSONPath(steps + [step]) }
    func within(_ step: Step) -> JSONPath { JSONPath([step] + steps) }

    /// Keys of other characters than letters, digits, `_` and `-` stand in double quotes, escaped.
    package var description: String {
        var text = ""
        for step in steps {
            switch step {
            case .index(let index): text += "[\(index)]"
            case .key(let key):
                if !text.isEmpty { text += "." }
                text += key.utf8.allSatisfy(isPlain) && !key.isEmpty && key.utf8.count <= 64 ? key : shortened(key)
            }
        }
        return text
    }
}

private func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x5f: true
    default: false
    }
}
