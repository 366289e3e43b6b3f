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
        guard node == self.node else {
            throw TransportError.unreachable(node: node, reason: "this host is \(self.node)")
        }
        guard let program = invocation.arguments.first else {
            throw TransportError.unreachable(node: node, reason: "no program was named")
        }
        do {
            return try await ProgramCall(
                program: program, arguments: Array(invocation.arguments.dropFirst()), environment: environment,
                standardInput: invocation.standardInput, deadline: invocation.deadline,
                outputLimit: invocation.outputLimit
            ).run()
        } catch ProgramFailure.notFound {
            // As env(1) and every shell say it.
            return Completion(
                status: 127, standardOutput: [], standardError: Array("\(program): not found\n".utf8))
        } catch let failure as ProgramFailure {
            throw TransportError(failure, node: node)
        }
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
