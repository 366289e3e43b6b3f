// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// A kind of file that people write and one reader reads.
package protocol ConfigFile {
    /// What the file makes.
    associatedtype Value
    /// Reads every key and returns nil only after reporting why.
    static func read(_ section: ConfigSectionBox) -> Value?
}

/// What a `ConfigFile` reads from, without showing how to those who only load files.
package struct ConfigSectionBox {
    let section: ConfigSection
}

extension ConfigFile {
    /// Reads `path` and checks the files that it names.
    ///
    /// - Throws: `ConfigError` with every problem; no value is made then.
    package static func load(_ path: String) throws(ConfigError) -> Value {
        try load(path, files: .check)
    }

    package static func load(_ path: String, files: FileChecks) throws(ConfigError) -> Value {
        let text: String
        do {
            text = try readConfigFile(path)
        } catch {
            throw ConfigError([ConfigProblem(file: path, line: nil, path: "", message: error.withoutPath)])
        }
        return try parse(text, file: path, files: files)
    }

    /// Reads `text`; `file` is its name in messages.
    package static func parse(_ text: String, file: String, files: FileChecks = .skip) throws(ConfigError) -> Value {
        try parseKnowingKeys(text, file: file, files: files).value
    }

    /// The same, with every key that the reading asked for (`clusters[].name`): the tests compare them with the documents.
    package static func parseKnowingKeys(
        _ text: String, file: String, files: FileChecks = .skip
    ) throws(ConfigError) -> (value: Value, keys: Set<String>) {
        let reader = ConfigReader(file: file, files: files)
        let section = reader.root(try ConfigNode.yaml(text, file: file))
        let value = read(ConfigSectionBox(section: section))
        section.close()
        if let error = reader.error { throw error }
        guard let value else {
            throw ConfigError([ConfigProblem(file: file, line: nil, path: "", message: "is not complete")])
        }
        return (value, reader.knownKeys)
    }
}

extension FileProblem {
    var withoutPath: String { reason + (remedy.map { ": \($0)" } ?? "") }
}
