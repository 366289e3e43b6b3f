// SPDX-License-Identifier: Apache-2.0

package import SallyModel
import SallyTransport

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `put` and `get`: files and folders between this host and a node, there as a user and not as root.
///
/// Each thing is one stream of tar(1) over one connection. It comes into a draft beside its place and is renamed, so that
/// nobody sees half a file.
package struct FileCopy: Sendable {
    /// One thing that was copied.
    package struct Copied: Sendable, Equatable {
        package var from: String
        package var to: String
        /// In its files.
        package var bytes: Int64
    }

    /// How far a copy is, in bytes of what is copied.
    package struct Step: Sendable, Equatable {
        package var name: String
        package var done: Int64
        package var total: Int64
        /// Everything has come and is in its place.
        package var isComplete: Bool

        package init(name: String, done: Int64, total: Int64, isComplete: Bool) {
            self.name = name
            self.done = done
            self.total = total
            self.isComplete = isComplete
        }
    }

    private let cluster: ClusterMachines
    private let machine: ClusterMachine
    private let user: LoginName
    private let environment: [String: String]
    private let errors: Int32
    private let told: @Sendable (Step) -> Void

    /// - Parameters:
    ///   - environment: our own.
    ///   - errors: where programs on both sides say what is wrong.
    package init(
        _ cluster: ClusterMachines, machine: ClusterMachine, user: LoginName, environment: [String: String],
        errors: Int32 = 2, told: @escaping @Sendable (Step) -> Void
    ) {
        self.cluster = cluster
        self.machine = machine
        self.user = user
        self.environment = CleanEnvironment.make(from: environment)
        self.errors = errors
        self.told = told
    }

    /// Copies files and folders of this host to `destination` on the node: a folder, or for one thing its new name.
    /// Relative paths begin at the user's home.
    package func put(_ texts: [String], to destination: String) async throws -> [Copied] {
        let sources = try texts.map(LocalCopy.source)
        try requireDifferent(sources.map(\.name))
        let (folder, name) = try await place(destination, for: sources.count)
        var result: [Copied] = []
        for source in sources {
            let name = name ?? source.name
            let draft = ".sally-put.\(UInt64.random(in: .min ... .max))"
            let script = UserSession.Program.script(CopyScript.receive, arguments: [folder, name, draft])
            try await stream(
                source.name, total: source.bytes,
                writer: { output in
                    try await local(
                        [
                            "--create", "--file", "-", "--format=gnu", "--directory", parent(source.path), "--",
                            last(source.path),
                        ],
                        input: -1, output: output)
                },
                reader: { input in try await remote(script, input: input, output: errors) },
                givenUp: { await tidy(folder, draft) })
            result.append(Copied(from: source.path, to: joined(folder, name), bytes: source.bytes))
        }
        return result
    }

    /// Copies files and folders of the node to `destination` on this host: a folder, or for one thing its new name.
    package func get(_ texts: [String], to destination: String) async throws -> [Copied] {
        let (folder, name) = try LocalCopy.destination(destination, for: texts.count)
        let sources = try await sources(texts)
        try requireDifferent(sources.map(\.name))
        var result: [Copied] = []
        for source in sources {
            let draft = try LocalCopy.draft(in: folder)
            defer { try? Disk.remove(draft) }  // an empty folder at worst, and what went wrong has been said
            let script = UserSession.Program.script(CopyScript.send, arguments: [source.path])
            try await stream(
                source.name, total: source.bytes,
                writer: { output in try await remote(script, input: -1, output: output) },
                reader: { input in
                    try await local(
                        [
                            "--extract", "--file", "-", "--no-same-owner", "--no-same-permissions", "--directory",
                            draft,
                        ], input: input, output: errors)
                })
            let target = joined(folder, name ?? source.name)
            try LocalCopy.settle(draft, as: target)
            result.append(Copied(from: source.path, to: target, bytes: source.bytes))
        }
        return result
    }

    // MARK: - The node's side

    /// The folder on the node that things go into, and the name that one gets there if it is to have another.
    private func place(_ text: String, for count: Int) async throws -> (folder: String, name: String?) {
        let path = home(text)
        let said = try await answer(CopyScript.look, [path, count == 1 ? "one" : "many"])
        switch CopyScript.Place(rawValue: said.first ?? "") {
        case .folder: return (path, nil)
        case .file:
            guard count == 1, !path.hasSuffix("/") else {
                throw SallyError(.invalidRequest, "remote path is not a folder: \(plain(text))")
            }
            return (parent(path), last(path))
        case .absent: throw SallyError(.notFound, "Remote path does not exist: \(plain(text))")
        case nil: throw SallyError(.unavailable, "\(machine.name) did not say what is at \(plain(text))")
        }
    }

    private func sources(_ texts: [String]) async throws -> [LocalCopy.Source] {
        let paths = texts.map(home)
        let said = try await answer(CopyScript.find, paths)
        guard said.count == texts.count else {
            throw SallyError(.unavailable, "\(machine.name) did not say what is to be copied")
        }
        return try zip(texts, zip(paths, said)).map { text, found in
            let words = found.1.split(separator: " ")
            guard let kind = words.first.flatMap({ CopyScript.Place(rawValue: String($0)) }), kind != .absent else {
                throw SallyError(.notFound, "Remote file or directory does not exist: \(plain(text))")
            }
            let name = last(found.0)
            guard !["", ".", "..", "/"].contains(name) else {
                throw SallyError(
                    .invalidRequest, "\(plain(text)) has no name to be copied under", hint: "name the folder itself")
            }
            return LocalCopy.Source(
                path: found.0, name: name, kind: kind, bytes: words.count > 1 ? Int64(words[1]) ?? 0 : 0)
        }
    }

    /// What cannot be tidied on a node that is not reached any more stays there; why it is not reached has been said.
    private func tidy(_ folder: String, _ draft: String) async {
        _ = try? await cluster.ask(CopyScript.tidy, [folder, draft], as: user, on: machine)  // see above
    }

    private func answer(_ script: String, _ arguments: [String]) async throws -> [String] {
        let done = try await cluster.ask(script, arguments, as: user, on: machine)
        guard done.succeeded else {
            let words = done.errorOutput.split(separator: "\n").last.map(String.init) ?? "status \(done.status)"
            throw SallyError(
                done.status == CopyScript.refusedLink ? .denied : .unavailable, "\(machine.name): \(words)")
        }
        return done.output.split(separator: "\n").map(String.init)
    }

    private func remote(_ program: UserSession.Program, input: Int32, output: Int32) async throws -> Int32 {
        try await withNothing(input) { input in
            try await cluster.session(
                program, as: user, on: machine, terminal: .none,
                streams: Attachment.Streams(input: input, output: output, error: errors))
        }
    }

    // MARK: - Both

    private func local(_ arguments: [String], input: Int32, output: Int32) async throws -> Int32 {
        // The modes are in the stream; what they open is in a draft of mode 0700.
        let call = ProgramCall(
            program: "/bin/sh", arguments: ["-c", "umask 0; exec tar \"$@\"", "tar"] + arguments,
            environment: environment, deadline: .zero)
        return try await withNothing(input) { input in
            try await AttachedCall(
                call: call, streams: Attachment.Streams(input: input, output: output, error: errors)
            ).run()
        }
    }

    private func stream(
        _ name: String, total: Int64, writer: @escaping @Sendable (Int32) async throws -> Int32,
        reader: @escaping @Sendable (Int32) async throws -> Int32,
        givenUp: @escaping @Sendable () async -> Void = {}
    ) async throws {
        let (told, shown) = (told, plain(name))
        // The stream has more bytes than what is in it: heads, and filling up to blocks.
        let pump = BytePump { told(Step(name: shown, done: min($0, total), total: total, isComplete: false)) }
        let ends: BytePump.Ends
        do {
            ends = try await pump.run(writer: writer, reader: reader)
        } catch {
            // An unstructured task, because ours may be cancelled; it is awaited.
            await Task { await givenUp() }.value
            throw error
        }
        guard ends.writer == 0, ends.reader == 0 else {
            let statuses = Set([ends.writer, ends.reader])
            if statuses.contains(UserSession.noSuchUser) {
                throw SallyError(.notFound, "user \(user) does not exist on \(machine.name)")
            }
            throw SallyError(
                statuses.contains(CopyScript.refusedLink) ? .denied : .unavailable,
                "\(plain(name)) was not copied", hint: "the lines above say why")
        }
        told(Step(name: shown, done: total, total: total, isComplete: true))
    }

    private func requireDifferent(_ names: [String]) throws {
        for (index, name) in names.enumerated() where names[..<index].contains(name) {
            throw SallyError(
                .invalidRequest, "two of the paths are called \(plain(name))", hint: "copy one after the other")
        }
    }

    /// What a `~` that this host's shell left stands for: where relative paths begin.
    private func home(_ text: String) -> String {
        text == "~" || text.isEmpty ? "." : text.hasPrefix("~/") ? "./" + text.dropFirst(2) : text
    }
}

/// Runs `body` with `descriptor`, or with one from which nothing comes where that is negative.
private func withNothing<Result>(_ descriptor: Int32, _ body: (Int32) async throws -> Result) async throws -> Result {
    guard descriptor < 0 else { return try await body(descriptor) }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(nothing) }
    return try await body(nothing)
}

private func last(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? "" }

private func parent(_ path: String) -> String {
    let parts = path.split(separator: "/")
    let folder = parts.dropLast().joined(separator: "/")
    return path.hasPrefix("/") ? "/" + folder : folder.isEmpty ? "." : folder
}

private func joined(_ folder: String, _ name: String) -> String {
    folder == "." ? name : folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
}
