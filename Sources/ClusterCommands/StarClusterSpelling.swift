// SPDX-License-Identifier: Apache-2.0

/// What `sally-cluster` understands when it is called as `starcluster`: global options before the action, and StarCluster's
/// letters where ours mean something else. Its names of actions are aliases of the commands. Pure.
enum StarClusterSpelling {
    /// - Parameter arguments: without the program's name.
    static func translate(_ arguments: [String]) -> [String] {
        var rest = arguments[...]
        var config: String?
        while let word = rest.first, word.hasPrefix("-") {
            switch word {
            case "-c", "--config":
                rest = rest.dropFirst()
                config = rest.first
                rest = rest.dropFirst()
            case "-r", "--region":
                // Regions stand in the configuration.
                rest = rest.dropFirst(2)
            case "-d", "--debug": rest = rest.dropFirst()
            default: return arguments
            }
        }
        guard let action = rest.first else { return [] }
        var words = Array(rest.dropFirst())
        if words == ["help"] { words = ["--help"] }
        switch action {
        case "start": replace("-c", "--cluster-template", with: "--template", in: &words)
        case "terminate", "removenode", "rn": replace("-c", "--confirm", with: "--yes", in: &words)
        // Nothing is lost by it, and nobody is asked.
        case "stop": words.removeAll { $0 == "-c" || $0 == "--confirm" }
        default: break
        }
        if let config { words = ["--config", config] + words }
        return [action] + words
    }

    private static func replace(_ letter: String, _ long: String, with ours: String, in words: inout [String]) {
        for index in words.indices where words[index] == letter || words[index] == long { words[index] = ours }
    }
}
