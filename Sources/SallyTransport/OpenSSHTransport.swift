// SPDX-License-Identifier: Apache-2.0

package import SallyModel
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Machines over OpenSSH: the `ssh` of this host, with settings of our own and no others.
///
/// Host keys are verified against a given file and never learnt on the way. Ending ssh does not end what runs on the
/// node, hence `NodeSweep`. Call `close` when connections are shared.
package final class OpenSSHTransport: Transport {
    private let addresses: [NodeName: OpenSSHAddress]
    private let settings: OpenSSHSettings
    private let environment: [String: String]
    /// Our own whole environment, for what is asked to be forwarded.
    let ownVariables: [String: String]
    /// Nodes to which there may be a shared connection.
    private let shared = Mutex<Set<NodeName>>([])

    /// - Parameters:
    ///   - addresses: where each node is.
    ///   - environment: our own; ssh gets what `CleanEnvironment` takes over from it, so no agent.
    package init(addresses: [NodeName: OpenSSHAddress], settings: OpenSSHSettings, environment: [String: String]) {
        self.addresses = addresses
        self.settings = settings
        self.environment = CleanEnvironment.make(from: environment)
        ownVariables = environment
    }

    package func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
        let command = try command(for: node)
        guard !invocation.arguments.isEmpty else {
            throw TransportError.unreachable(node: node, reason: "no program was named")
        }
        let mark = NodeSweep.random()
        let frame = OpenSSHFrame(mark: mark)
        do {
            return try await sweeping(sweep(mark, command)) {
                let completion = try await ssh(
                    command.arguments(running: frame.words(invocation)), input: invocation.standardInput,
                    deadline: invocation.deadline, outputLimit: invocation.outputLimit + OpenSSHFrame.room
                ).run()
                switch frame.open(completion) {
                case .success(let own):
                    guard max(own.standardOutput.count, own.standardError.count) <= invocation.outputLimit else {
                        throw ProgramFailure.outputLimit(bytes: invocation.outputLimit)
                    }
                    return own
                case .failure(let lost): throw await explain(lost.said, opened: lost.opened, node, command)
                }
            }
        } catch ProgramFailure.outputLimit {
            throw TransportError.outputLimit(node: node, bytes: invocation.outputLimit)
        } catch let failure as ProgramFailure {
            throw TransportError(failure, node: node)
        }
    }

    package func converse<Answer: Sendable>(
        on node: NodeName, limits: ConversationLimits, _ body: (NodeShell) async throws -> Answer
    ) async throws -> Answer {
        let command = try command(for: node)
        let mark = NodeSweep.random()
        let words = OpenSSHFrame(mark: mark).environment + NodeSweep.timeout(limits.total) + ShellLoop.arguments
        return try await ShellCall(
            node: node, call: ssh(command.arguments(running: words), deadline: limits.total), limits: limits,
            explain: { opened, said in await self.explain(said, opened: opened, node, command) },
            sweep: sweep(mark, command)
        ).converse(body)
    }

    /// Ends shared connections and removes their folder. Calls after that are not to be made.
    package func close() async {
        guard case .shared(let folder, _) = settings.sharing else { return }
        let nodes = shared.withLock { nodes in
            defer { nodes = [] }
            return nodes
        }
        // An unstructured task, because ours may be cancelled; it is awaited. A master that does not answer ends by
        // itself when its time is over.
        await Task {
            await withTaskGroup { group in
                for node in nodes {
                    guard let ending = try? command(for: node).endingMaster() else { continue }  // it was known before
                    group.addTask { [self] in _ = try? await ssh(ending, deadline: .seconds(10)).run() }  // see above
                }
            }
        }.value
        rmdir(folder)
    }

    func command(for node: NodeName) throws -> OpenSSHCommand {
        guard let address = addresses[node] else {
            throw TransportError.unreachable(node: node, reason: "no address is known for it")
        }
        if case .shared = settings.sharing { shared.withLock { _ = $0.insert(node) } }
        let alias: NodeName? =
            switch settings.hostKeyNaming {
            case .nodeName: node
            case .address: nil
            }
        return OpenSSHCommand(settings: settings, address: address, alias: alias)
    }

    func ssh(
        _ arguments: [String], input: [UInt8] = [], deadline: Duration, outputLimit: Int = 1 << 16
    ) -> ProgramCall {
        ProgramCall(
            program: "ssh", arguments: arguments, environment: environment, standardInput: input, deadline: deadline,
            outputLimit: outputLimit)
    }

    /// Kills what a given-up call left on the node. A node that cannot be reached any more is no news.
    func sweep(_ mark: NodeSweep, _ command: OpenSSHCommand) -> @Sendable () async -> Void {
        let sweeper = mark.invocation
        let call = ssh(
            command.arguments(running: sweeper.arguments), input: sweeper.standardInput, deadline: sweeper.deadline)
        return { _ = try? await call.run() }  // see above
    }

    func explain(
        _ said: String, opened: Bool, _ node: NodeName, _ command: OpenSSHCommand
    ) async -> TransportError {
        if opened {
            let line = said.lastLine
            // The words of ssh(1), of its keep-alive and of a master that went away.
            let isLost = [
                "closed by remote host", "Timeout, server", "client_loop: ", "Connection reset", "mux_client_",
            ]
            .contains { line?.contains($0) == true }
            guard isLost, let line else { return TransportError(shellOf: node, said: said) }
            return .unreachable(node: node, reason: "the connection was lost: \(line)")
        }
        let failure = OpenSSHFailure(command: command, said: said)
        let trouble = failure.isDenied ? await keyTrouble() : nil
        return .unreachable(node: node, reason: failure.reason(key: trouble))
    }

    /// ssh in batch mode passes without a word over a key that has a passphrase or is not there.
    private func keyTrouble() async -> OpenSSHFailure.KeyTrouble? {
        let call = ProgramCall(
            program: "ssh-keygen", arguments: ["-y", "-P", "", "-f", settings.identityFile], environment: environment,
            deadline: .seconds(10))
        guard let completion = try? await call.run() else { return nil }  // then ssh's own words have to do
        if completion.succeeded { return nil }
        let said = completion.errorOutput
        return said.contains("incorrect passphrase") ? .passphrase : said.lastLine.map { .unreadable($0) }
    }
}
