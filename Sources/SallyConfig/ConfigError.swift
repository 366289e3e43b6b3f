// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// One thing that is wrong in a file that people write.
package struct ConfigProblem: Sendable, Equatable, CustomStringConvertible {
    package var file: String
    /// 1 is the first; nil when the file as a whole is meant.
    package var line: Int?
    /// The key path, such as `clusters[0].name`; empty at the top.
    package var path: String
    package var message: String

    package init(file: String, line: Int?, path: String, message: String) {
        self.file = file
        self.line = line
        self.path = path
        self.message = message
    }

    /// `FILE:LINE: PATH: MESSAGE`.
    package var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return path.isEmpty ? "\(place): \(message)" : "\(place): \(path): \(message)"
    }
}

/// Everything that is wrong in a file, in the order of its lines.
package struct ConfigError: Error, Sendable, CustomStringConvertible {
    /// At least one.
    package let problems: [ConfigProblem]

    package init(_ problems: [ConfigProblem]) {
        self.problems = problems.enumerated().sorted {
            ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset)
        }.map(\.element)
    }

    /// One problem a line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }

    /// What people see where one error stands for all.
    package var error: SallyError {
        SallyError(.misconfigured, description, hint: "`sallyd config check` lists every problem")
    }
}
