// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

/// The lock of the managed record, held for a whole conversation with the controller.
struct RecordHold {
    let who: String
    let layout: ClusterLayout
    /// Hears who holds it, when we have to wait.
    let told: @Sendable (String) -> Void

    /// - Throws: `SallyError(.conflict)` when somebody else holds it for ten minutes.
    func take(_ shell: NodeShell) async throws {
        let taken = try await shell.run(RecordScript.take(by: who, in: layout), deadline: .seconds(60))
        guard taken.output.hasPrefix("held\t") else {
            guard taken.succeeded else {
                throw SallyError(
                    .unavailable, "the managed record on \(layout.controller) cannot be locked",
                    cause: "status \(taken.status): \(quoted(taken.output)) \(quoted(taken.errorOutput))")
            }
            return
        }
        told(String(taken.output.dropFirst(5).prefix { !$0.isNewline }))
        let waited = try await shell.run(RecordScript.await(by: who, in: layout), deadline: .seconds(660))
        guard waited.succeeded else {
            throw SallyError(
                .conflict, "somebody else changes accounts on this cluster for ten minutes",
                hint: "see who holds /var/lib/sallyport/accounts.lock on \(layout.controller)")
        }
    }
}
