// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// This host as the one node of a cluster. Runs as whoever we are.
package struct LocalTransport: Transport {
    private let node: NodeName
    private let environment: [String: String]

    /// - Parameters:
    ///   - node: the name this host has; calls for any other node are `unreachable`.
    ///   - environment: our own; programs get what `CleanEnvironment` takes over from it.
    package init(node: NodeName, environment: [String: String]) {
        self.node = node
        self.environment = CleanEnvironment.make(from: environment)
    }

    package func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
        try check(node)
        guard let program = invocation.arguments.first else {
            throw TransportError.unreachable(node: node, reason: "no program was named")
        }
        let mark = NodeSweep.random()
        do {
            return try await sweeping(sweep(mark)) {
                try await call(
                    [program] + invocation.arguments.dropFirst(), mark, input: invocation.standardInput,
                    deadline: invocation.deadline, outputLimit: invocation.outputLimit
                ).run()
            }
        } catch ProgramFailure.notFound {
            // As env(1) and every shell say it.
            return Completion(
                status: 127, standardOutput: [], standardError: Array("\(program): not found\n".utf8))
        } catch let failure as ProgramFailure {
            throw TransportError(failure, node: node)
        }
    }

    package func converse<Answer: Sendable>(
        on node: NodeName, limits: ConversationLimits, _ body: (NodeShell) async throws -> Answer
    ) async throws -> Answer {
        try check(node)
        let mark = NodeSweep.random()
        return try await ShellCall(
            node: node, call: call(ShellLoop.arguments, mark, deadline: limits.total), limits: limits,
            explain: { _, said in TransportError(shellOf: node, said: said) }, sweep: sweep(mark)
        ).converse(body)
    }

    private func check(_ node: NodeName) throws {
        guard node == self.node else {
            throw TransportError.unreachable(node: node, reason: "this host is \(self.node)")
        }
    }

    private func call(
        _ words: [String], _ mark: NodeSweep?, input: [UInt8] = [], deadline: Duration, outputLimit: Int = 1 << 20
    ) -> ProgramCall {
        var variables = environment
        if let mark { variables[NodeSweep.variable] = mark.mark }
        return ProgramCall(
            program: words[0], arguments: Array(words.dropFirst()), environment: variables, standardInput: input,
            deadline: deadline, outputLimit: outputLimit)
    }

    private func sweep(_ mark: NodeSweep) -> @Sendable () async -> Void {
        let sweeper = mark.invocation
        let call = call(
            sweeper.arguments, nil, input: sweeper.standardInput, deadline: sweeper.deadline,
            outputLimit: sweeper.outputLimit)
        return { _ = try? await call.run() }  // a host that starts no bash cannot be swept
    }
}

extension TransportError {
    init(_ failure: ProgramFailure, node: NodeName) {
        switch failure {
        case .notFound(let program): self = .unreachable(node: node, reason: "\(program) is not installed here")
        case .deadlineExceeded(let after): self = .deadlineExceeded(node: node, after: after)
        case .outputLimit(let bytes): self = .outputLimit(node: node, bytes: bytes)
        case .system(let number):
            self = .unreachable(node: node, reason: "the system refused\(number.map { " (errno \($0))" } ?? "")")
        }
    }
}

extension TransportError {
    /// A shell that ended by itself, in the middle of a script or before the first.
    init(shellOf node: NodeName, said: String) {
        self = .unreachable(node: node, reason: "its shell ended" + (said.lastLine.map { ": \($0)" } ?? ""))
    }
}
