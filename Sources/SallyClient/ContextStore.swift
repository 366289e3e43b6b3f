// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The contexts and sessions of a person on this machine.
package struct ContextStore: Sendable {
    private let folder: PrivateFolder
    private let sessions: PrivateFolder
    /// How long another sally is waited for that changes the list, or has a session.
    package var listPatience = Duration.seconds(10)
    package var sessionPatience = Duration.seconds(60)

    package init(folder: String) {
        self.folder = PrivateFolder(path: folder)
        sessions = PrivateFolder(path: "\(folder)/sessions")
    }

    /// `SALLY_CONFIG_DIR`, else `$XDG_CONFIG_HOME/sallyport`, else `~/.config/sallyport`.
    /// - Throws: `SallyError(.misconfigured)` when none of them is known or one is not absolute.
    package static func folder(environment: [String: String]) throws -> String {
        func set(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let path =
            set("SALLY_CONFIG_DIR") ?? set("XDG_CONFIG_HOME").map { "\($0)/sallyport" }
            ?? set("HOME").map { "\($0)/.config/sallyport" }
        guard let path, path.hasPrefix("/") else {
            throw SallyError(
                .misconfigured, "there is no folder for the settings of sally",
                hint: "set HOME, XDG_CONFIG_HOME or SALLY_CONFIG_DIR to an absolute path")
        }
        return path
    }

    package func load() throws -> ContextList {
        guard let bytes = try folder.read("contexts.json") else { return ContextList(current: nil, contexts: []) }
        let list: ContextList = try stored(
            bytes, "\(folder.path)/contexts.json", hint: "correct it, or remove it and sign in again")
        guard list.schema == ContextList.schema else {
            throw SallyError(
                .misconfigured,
                "\(folder.path)/contexts.json has the schema \(quoted(list.schema)), expected \(ContextList.schema)",
                hint: "a newer sally wrote it: update this one")
        }
        guard Set(list.contexts.map(\.name)).count == list.contexts.count else {
            throw SallyError(
                .misconfigured, "\(folder.path)/contexts.json has two contexts of one name", hint: "remove one")
        }
        return list
    }

    /// Reads, changes and writes the list while nobody else does.
    package func update(_ change: (inout ContextList) throws -> Void) async throws {
        try folder.prepare()
        let lock = try await FileLock("\(folder.path)/contexts.lock", within: listPatience)
        var list = try load()
        try change(&list)
        try folder.write("contexts.json", Codec.encode(list))
        _ = consume lock
    }

    package func session(_ name: ContextName) throws -> StoredSession? {
        guard let bytes = try sessions.read("\(name).json") else { return nil }
        return try stored(bytes, "\(sessions.path)/\(name).json", hint: "remove it and sign in again")
    }

    package func save(_ session: StoredSession, _ name: ContextName) throws {
        try folder.prepare()
        try sessions.write("\(name).json", Codec.encode(session))
    }

    package func removeSession(_ name: ContextName) throws { try sessions.remove("\(name).json") }

    /// Only one process at a time may refresh a session.
    package func lockSession(_ name: ContextName) async throws -> FileLock {
        try folder.prepare()
        try sessions.prepare()
        return try await FileLock("\(sessions.path)/\(name).lock", within: sessionPatience)
    }

    private func stored<Value: Decodable>(_ bytes: [UInt8], _ file: String, hint: String) throws -> Value {
        do {
            return try Codec.decode(Value.self, bytes)
        } catch {
            throw SallyError(.misconfigured, "\(file) cannot be read: \(error)", hint: hint)
        }
    }
}
