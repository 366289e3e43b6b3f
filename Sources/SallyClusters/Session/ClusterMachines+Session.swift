// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyTransport

extension ClusterMachines {
    /// Runs `program` as `user` on `machine`, with streams of ours, for as long as it takes.
    ///
    /// - Returns: its exit status.
    /// - Throws: `SallyError`: `.unavailable` when the machine does not run or is not reached, `.unsupported` for what
    ///   cannot be forwarded.
    package func session(
        _ program: UserSession.Program, as user: LoginName, on machine: ClusterMachine,
        terminal: Attachment.Terminal, forwarding: Set<Attachment.Forwarding> = [], streams: Attachment.Streams = .own
    ) async throws -> Int32 {
        try requireRunning(machine)
        try requireForwarding(forwarding, to: user)
        let session = UserSession(user: user, node: machine.name, program: program)
        do {
            return try await transport().attach(
                Attachment(
                    arguments: session.arguments, terminal: terminal, forwarding: forwarding, streams: streams),
                to: machine.name)
        } catch let error as TransportError {
            throw SallyError(error)
        }
    }

    /// Runs a script of ours as `user` on `machine` and collects what it says.
    ///
    /// - Throws: as `session`; `SallyError(.notFound)` when there is no such user.
    func ask(
        _ script: String, _ arguments: [String], as user: LoginName, on machine: ClusterMachine
    ) async throws -> Completion {
        try requireRunning(machine)
        let session = UserSession(user: user, node: machine.name, program: .script(script, arguments: arguments))
        do {
            let done = try await transport().run(Invocation(arguments: session.arguments), on: machine.name)
            guard done.status == UserSession.noSuchUser else { return done }
            throw SallyError(.notFound, "user \(user) does not exist on \(machine.name)")
        } catch let error as TransportError {
            throw SallyError(error)
        }
    }

    /// - Throws: `SallyError(.unsupported)` when what is wanted cannot be forwarded to `user`.
    package func requireForwarding(_ wanted: Set<Attachment.Forwarding>, to user: LoginName) throws {
        guard !wanted.isEmpty else { return }
        guard case .openSSH(let settings, _) = access else {
            throw SallyError(
                .unsupported, "-X and -A need a connection of ssh, and cluster \(name) is reached by podman exec",
                hint: "they work on clusters of the inventory")
        }
        let own =
            switch settings.login {
            case .root: LoginName.root
            case .sudo(let name): LoginName(unchecked: name)
            }
        // sshd makes the ends for whoever signs in: to hand them on would be to hand on the agent or the display.
        guard user == own || user == .root else {
            throw SallyError(
                .unsupported, "-X and -A reach root and \(own), who signs in, and not user \(user)",
                hint: "leave -u out")
        }
    }
}

extension SallyError {
    /// Why a node could not be talked to.
    package init(_ error: TransportError) {
        switch error {
        case .unreachable(let node, let reason): self.init(.unavailable, "\(node): \(reason)")
        case .deadlineExceeded(let node, let after):
            self.init(.timeout, "\(node) did not answer within \(after.components.seconds) s")
        case .outputLimit(let node, let bytes):
            self.init(.unavailable, "\(node) said more than \(bytes) bytes")
        }
    }
}
