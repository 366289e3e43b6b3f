// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

/// How the plugins of a cluster came through a change of its machines.
struct PluginHookReport: Sendable {
    /// One plugin, and what it said in the form of its own kind.
    struct Entry: Sendable {
        var plugin: String
        /// nil where it did its work.
        var error: SallyError?
        var output: JSONValue
    }

    var entries: [Entry] = []

    /// For the output of commands, under `plugins`.
    var json: JSONValue {
        .array(
            entries.map {
                [
                    "plugin": .string($0.plugin), "complete": .bool($0.error == nil),
                    "error": $0.error.map { .string($0.message) } ?? .null, "output": $0.output,
                ]
            })
    }

    /// For commands that have done the rest of their work.
    ///
    /// - Parameter done: what is true all the same, such as `cluster demo is gone`.
    /// - Throws: `SallyError` that names the plugins that failed, with the code of the first.
    func requireComplete(_ done: String) throws {
        let failed = entries.filter { $0.error != nil }
        guard let first = failed.first?.error else { return }
        let names = failed.map { quoted($0.plugin) }.joined(separator: ", ")
        throw SallyError(first.code, "\(done), but of its plugins \(names) failed", hint: "the lines above say how")
    }
}
