// SPDX-License-Identifier: Apache-2.0

/// What `sally-cluster` understands when it is called as `starcluster`: global options before the action, StarCluster's
/// names of actions, and its letters where ours mean something else. Pure.
enum StarClusterSpelling {
    /// StarCluster's names and short names of actions, to ours. The others are the same.
    private static let actions = [
        "listclusters": "list", "lc": "list", "reboot": "restart", "rp": "runplugin", "sm": "sshmaster",
        "sn": "sshnode",
    ]

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
        let ours = actions[action] ?? action
        var words = Array(rest.dropFirst())
        if words == ["help"] { words = ["--help"] }
        switch ours {
        case "start": replace("-c", "--cluster-template", with: "--template", in: &words)
        // StarCluster's `-c` of these confirms without asking.
        case "terminate", "stop", "restart": replace("-c", "--confirm", with: "--yes", in: &words)
        default: break
        }
        if let config { words = ["--config", config] + words }
        return [ours] + words
    }

    private static func replace(_ letter: String, _ long: String, with ours: String, in words: inout [String]) {
        for index in words.indices where words[index] == letter || words[index] == long { words[index] = ours }
    }
}
