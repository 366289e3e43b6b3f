// SPDX-License-Identifier: Apache-2.0

package import SallyIdentity
package import SallyModel

/// Sessions as the routes ask for them: the token verified, the row read, the role as configured.
package struct SessionGuard: SessionReader {
    private let sessions: SessionService
    private let administrators: Set<GroupName>

    package init(sessions: SessionService, administrators: Set<GroupName>) {
        self.sessions = sessions
        self.administrators = administrators
    }

    package func principal(of token: Secret<String>) async throws -> Principal {
        try await principal { try await sessions.authenticate(token.reveal()) }
    }

    package func current(_ principal: Principal) async throws -> Principal {
        try await self.principal { try await sessions.live(principal.session, of: principal.person) }
    }

    private func principal(_ live: () async throws -> LiveSession) async throws -> Principal {
        do {
            return try await live().principal(administrators: administrators)
        } catch let problem as SessionTokenProblem {
            throw sessions.error(problem)
        }
    }
}
