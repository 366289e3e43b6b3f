// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Which nodes somebody wants to have added: so many, or these. Pure.
package struct NodeRequest: Sendable, Equatable {
    package let count: Int
    /// None where the next free names are taken.
    package let aliases: [NodeName]

    /// - Parameters:
    ///   - count: of `-n`.
    ///   - aliases: what `-a` was given, lists with commas.
    /// - Throws: `SallyError(.invalidRequest)`.
    package init(count: Int?, aliases: [String]) throws {
        self.aliases = try NodeRequest.names(aliases, option: "-a")
        if let count, count < 1 {
            throw SallyError(.invalidRequest, "\(count) nodes are asked for", hint: "-n takes a number from 1 on")
        }
        if let count, !aliases.isEmpty, count != self.aliases.count {
            throw SallyError(
                .invalidRequest, "\(count) nodes are asked for with -n, and \(self.aliases.count) are named with -a",
                hint: "give one of the two, or as many names as nodes")
        }
        self.count = aliases.isEmpty ? count ?? 1 : self.aliases.count
    }

    /// Names in lists with commas, each once.
    package static func names(_ lists: [String], option: String) throws -> [NodeName] {
        var result: [NodeName] = []
        for list in lists {
            for item in list.split(separator: ",", omittingEmptySubsequences: false) {
                guard !item.isEmpty else {
                    throw SallyError(
                        .invalidRequest, "\(option) \(quoted(list)) has an empty name", hint: "NAME[,NAME...]")
                }
                let name = try NodeName(String(item))
                guard !result.contains(name) else {
                    throw SallyError(.invalidRequest, "node '\(name)' is named more than once")
                }
                result.append(name)
            }
        }
        return result
    }
}
