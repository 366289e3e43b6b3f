// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension ConfigNode {
    /// Reads a YAML file as nodes, for targets that read them by rules of their own.
    ///
    /// - Throws: `ConfigError` for a file that cannot be read or is not the YAML that `ConfigFile`s take.
    package static func load(_ path: String) throws(ConfigError) -> ConfigNode {
        let text: String
        do {
            text = try readConfigFile(path)
        } catch {
            throw ConfigError([ConfigProblem(file: path, line: nil, path: "", message: "\(error)")])
        }
        return try parse(text, file: path)
    }

    /// The same from text; `file` is its name in messages.
    package static func parse(_ text: String, file: String) throws(ConfigError) -> ConfigNode {
        try yaml(text, file: file)
    }
}

extension ConfigProblem {
    /// A problem whose message says the key itself.
    package init(file: String, line: Int?, message: String) {
        self.init(file: file, line: line, path: "", message: message)
    }
}
