// SPDX-License-Identifier: Apache-2.0

/// Makes paths that people write absolute: `~`, `$VAR` and `${VAR}` at any place, and what is relative to their file.
package struct PathExpansion: Sendable {
    /// Our own: `HOME` is what `~` stands for.
    package let environment: [String: String]
    /// What relative paths begin with; absolute.
    package let folder: String

    package init(environment: [String: String], folder: String) {
        self.environment = environment
        self.folder = folder
    }

    /// The same for what stands in `file`, an absolute path.
    package func beside(_ file: String) -> PathExpansion {
        let parts = file.split(separator: "/").dropLast()
        return PathExpansion(environment: environment, folder: "/" + parts.joined(separator: "/"))
    }

    /// Why a path cannot be made absolute; says no more of it than the name of a variable.
    package struct Failure: Error, Sendable, Equatable {
        package let message: String
    }

    /// - Throws: `Failure` for a variable that is not set, and for `~` followed by a user's name.
    package func expand(_ text: String) throws(Failure) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        if bytes.first == UInt8(ascii: "~") {
            guard bytes.count == 1 || bytes[1] == UInt8(ascii: "/") else {
                throw Failure(message: "~ followed by a name is not understood; write the whole path")
            }
            result += Array(try variable("HOME").utf8)
            index = 1
        }
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "$") else {
                result.append(bytes[index])
                index += 1
                continue
            }
            let braced = bytes[(index + 1)...].first == UInt8(ascii: "{")
            let name = bytes[(index + (braced ? 2 : 1))...].prefix(while: isNameByte)
            let end = name.endIndex
            guard !name.isEmpty, !braced || bytes[end...].first == UInt8(ascii: "}") else {
                throw Failure(message: "$ is wanted before the name of a variable, such as $HOME or ${HOME}")
            }
            result += Array(try variable(String(decoding: name, as: UTF8.self)).utf8)
            index = end + (braced ? 1 : 0)
        }
        let path = String(decoding: result, as: UTF8.self)
        return path.hasPrefix("/") ? path : (folder.hasSuffix("/") ? folder : folder + "/") + path
    }

    private func variable(_ name: String) throws(Failure) -> String {
        guard let value = environment[name], !value.isEmpty else { throw Failure(message: "$\(name) is not set") }
        return value
    }

    private func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
        default: false
        }
    }
}
