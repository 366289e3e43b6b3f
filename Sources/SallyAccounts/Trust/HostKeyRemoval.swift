// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyTransport

/// Forgets the host keys of machines that left a cluster, in ssh_known_hosts of all that stay. Lines of others are not
/// touched.
package struct HostKeyRemoval: Sendable {
    private let cluster: ClusterName
    private let layout: ClusterLayout
    private let transport: any Transport
    private let who: String
    private let told: @Sendable (String) -> Void

    /// What was found.
    package struct Report: Sendable, Equatable {
        /// Where the machines that left were reached, and the keys (`ssh-ed25519 AAAA...`) that they had there, as the
        /// controller knew them.
        package var keys: [String: Set<String>] = [:]
        /// Machines that still know them, and why.
        package var failed: [NodeName: String] = [:]

        /// Takes what the controller printed: lines that are about other machines, or are none, are not believed.
        mutating func add(_ printed: String, about gone: Set<String>) {
            for line in printed.split(separator: "\n") {
                let names = line.prefix { $0 != " " }.split(separator: ",").map(String.init)
                let key = String(line.drop { $0 != " " }.dropFirst())
                guard let name = names.first, gone.contains(name), KnownHosts.isKey(key) else { continue }
                for address in names.dropFirst() { keys[address, default: []].insert(key) }
            }
        }
    }

    /// - Parameters:
    ///   - layout: the machines that stay.
    ///   - who: who asks, for whoever waits meanwhile.
    ///   - told: hears who changes accounts on this cluster, when we wait.
    package init(
        cluster: ClusterName, layout: ClusterLayout, transport: some Transport, by who: String,
        told: @escaping @Sendable (String) -> Void
    ) {
        self.cluster = cluster
        self.layout = layout
        self.transport = transport
        self.who = who
        self.told = told
    }

    /// Holds the managed record meanwhile: a run that makes users writes the same lines.
    ///
    /// - Throws: `SallyError(.unavailable)` when the controller does not answer.
    package func forget(_ gone: [NodeName]) async throws -> Report {
        let limits = ConversationLimits(total: .seconds(900), outputLimit: 1 << 20)
        do {
            return try await transport.converse(on: layout.controller, limits: limits) { shell in
                try await RecordHold(who: who, layout: layout, told: told).take(shell)
                return try await forgetEverywhere(gone)
            }
        } catch let error as TransportError { throw readableTransportError(error, layout.controller) }
    }

    private func forgetEverywhere(_ gone: [NodeName]) async throws -> Report {
        let script = layout.prologue + HostKeyRemoval.script(file: "/etc/ssh/ssh_known_hosts")
        let arguments = [cluster.rawValue] + gone.map(\.rawValue)
        var report = Report()
        await withTaskGroup(of: (NodeName, Result<Completion, any Error>).self) { group in
            var rest = layout.accountNodes.filter { $0 != layout.controller }[...]
            for node in rest.prefix(16) { group.addTask { await call(script, arguments, node) } }
            rest = rest.dropFirst(16)
            for await (node, result) in group {
                switch result {
                case .success(let done) where done.succeeded: break
                case .success(let done): report.failed[node] = HostKeyRemoval.why(done)
                case .failure(let error): report.failed[node] = (error as? SallyError)?.message ?? "\(error)"
                }
                if let next = rest.popFirst() { group.addTask { await call(script, arguments, next) } }
            }
        }
        try Task.checkCancellation()
        // Last: while another machine still knows them, so does the one that says which keys they had.
        guard report.failed.isEmpty else { return report }
        let (node, result) = await call(script, arguments, layout.controller)
        let done = try result.get()
        guard done.succeeded else {
            report.failed[node] = HostKeyRemoval.why(done)
            return report
        }
        report.add(done.output, about: Set(gone.map(\.rawValue)))
        return report
    }

    private static func why(_ done: Completion) -> String {
        done.errorOutput.split(separator: "\n").last.map(String.init) ?? "failed"
    }

    private func call(
        _ script: String, _ arguments: [String], _ node: NodeName
    ) async -> (NodeName, Result<Completion, any Error>) {
        do {
            return (node, .success(try await transport.run(.script(script, arguments: arguments), on: node)))
        } catch { return (node, .failure(readableTransportError(error, node))) }
    }

    /// Prints the lines that go, and writes the file without them.
    static func script(file: String) -> String { "file=\(shellQuoted(file))\n" + script }

    private static let script = #"""
        cluster=$1
        shift
        [ -e "$file" ] || [ -L "$file" ] || exit 0
        if [ -L "$file" ] || [ ! -f "$file" ]; then
            echo "$file is not a file" >&2
            exit 1
        fi
        lines() {
            awk -v wanted="$1" -v cluster="$cluster" -v names="$2" '
                BEGIN { count = split(names, list, " "); for (i = 1; i <= count; i++) gone[list[i]] = 1 }
                $0 == "# sallyport begin " cluster { ours = 1 }
                $0 == "# sallyport end " cluster { ours = 0 }
                { name = $1; sub(/,.*/, "", name); goes = ours && name in gone }
                goes == (wanted == "gone")' "$file"
        }
        gone=$(lines gone "$*") || exit 1
        [ -n "$gone" ] || exit 0
        rest=$(lines rest "$*") && printf '%s\n' "$rest" >"$file.sally" && chmod 0644 "$file.sally" &&
            mv -fT "$file.sally" "$file" || { echo "$file could not be written" >&2; exit 1; }
        printf '%s\n' "$gone"
        """#
}
