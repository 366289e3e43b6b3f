// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
package import SallyModel
package import SallyTransport

/// Looks at the users of a cluster's managed record. Changes nothing and takes no lock.
package struct ClusterUsers: Sendable {
    let layout: ClusterLayout
    private let transport: any Transport

    /// Which machines are asked besides the controller, over one connection each.
    package enum Reach: Sendable {
        case controller
        case everyMachine
    }

    package struct List: Sendable, Equatable {
        package var users: [ClusterUser] = []
        /// Machines that were not reached, and why. What they have is not known.
        package var failed: [NodeName: String] = [:]
        /// Machines on which homes are not those of the machine that serves them, and what is said of it.
        package var otherHomes: [NodeName: String] = [:]

        package init() {}
    }

    package init(layout: ClusterLayout, transport: some Transport) {
        self.layout = layout
        self.transport = transport
    }

    /// - Throws: `SallyError(.unavailable)` when the controller or its Slurm does not answer; `.conflict` for a record that
    ///   cannot be read; `.unsupported` where there is none.
    package func list(_ reach: Reach) async throws -> List {
        guard layout.mode == .everywhere || layout.mode == .controller else {
            throw SallyError(.unsupported, "accounts of this cluster are not Sallyport's")
        }
        let controller = try await look(layout.controller, UsersProbe.controller(.all, .everything, in: layout))
        var list = List()
        var observed = [layout.controller: controller]
        if reach == .everyMachine {
            var newest: [UserName: UserID] = [:]
            for record in controller.records { newest[record.user] = record.uid }
            let subjects = newest.sorted { $0.key < $1.key }.map { (name: $0.key, uid: $0.value) }
            var others = layout.accountNodes.filter { $0 != layout.controller }[...]
            await withTaskGroup(of: Answer.self) { group in
                for node in others.prefix(16) { group.addTask { await answer(node, subjects) } }
                others = others.dropFirst(16)
                for await answer in group {
                    switch answer.result {
                    case .success(let seen): observed[answer.node] = seen
                    case .failure(let error):
                        list.failed[answer.node] = (error as? SallyError)?.message ?? "\(error)"
                    }
                    if let next = others.popFirst() { group.addTask { await self.answer(next, subjects) } }
                }
            }
            try Task.checkCancellation()
        }
        list.users = ClusterUser.list(observed, layout: layout)
        let homes = observed[layout.homeServer]?.marks ?? HomeMarks()
        for (node, seen) in observed where node != layout.homeServer && layout.accountNodes.contains(node) {
            if let folder = homes.others(seen.marks).first {
                list.otherHomes[node] = HomeMarks.other(folder, on: node, than: layout.homeServer).message
            }
        }
        return list
    }

    private func answer(_ node: NodeName, _ subjects: [(name: UserName, uid: UserID)]) async -> Answer {
        do {
            let script = UsersProbe.make(subjects, .everything, on: node, in: layout)
            return Answer(node, .success(try await look(node, script)))
        } catch {
            return Answer(node, .failure(error))
        }
    }

    func look(_ node: NodeName, _ script: String) async throws -> UsersObservation {
        do {
            let done = try await transport.run(
                .script(script, deadline: .seconds(120), outputLimit: 64 << 20), on: node)
            guard done.succeeded else {
                throw SallyError(
                    .unavailable, "node \(node) cannot be looked at", hint: "is Slurm's accounting running there?",
                    cause: "status \(done.status): \(quoted(done.errorOutput))")
            }
            return try UsersObservation(parsing: done.output, node: node)
        } catch {
            throw readableTransportError(error, node)
        }
    }

    /// A reference: see `NodeAnswer` in AccountEngine.
    private final class Answer: Sendable {
        let node: NodeName
        let result: Result<UsersObservation, any Error>
        init(_ node: NodeName, _ result: Result<UsersObservation, any Error>) {
            self.node = node
            self.result = result
        }
    }
}
