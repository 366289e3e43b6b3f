// SPDX-License-Identifier: Apache-2.0

import Testing

/// Every port's suite over SQLite. A store on PostgreSQL runs the same with its own factory.
@Suite struct SQLiteConformanceTests {
    @Test func decides() async throws { try await DecisionConformance.check(withSQLitePorts) }
    @Test func reserves() async throws { try await DecisionConformance.checkReservations(withSQLitePorts) }
    @Test func reservesOnceUnderConcurrency() async throws {
        try await DecisionConformance.checkConcurrentReservations(withSQLitePorts)
    }
    @Test func keepsIdentities() async throws { try await IdentityConformance.check(withSQLitePorts) }
    @Test func givesNamesOnce() async throws { try await IdentityConformance.checkNamesAreGivenOnce(withSQLitePorts) }
    @Test func offboards() async throws { try await IdentityConformance.checkOffboarding(withSQLitePorts) }
    @Test func keepsRoles() async throws { try await IdentityConformance.checkRoles(withSQLitePorts) }
    @Test func keepsSessions() async throws { try await SessionConformance.check(withSQLitePorts) }
    @Test func refreshes() async throws { try await SessionConformance.checkRefresh(withSQLitePorts) }
    @Test func endsAFamilyOnReplay() async throws {
        try await SessionConformance.checkReplayAfterGrace(withSQLitePorts)
    }
    @Test func rotatesOnceUnderConcurrency() async throws {
        try await SessionConformance.checkConcurrentRefresh(withSQLitePorts)
    }
    @Test func keepsSignIns() async throws { try await SignInConformance.check(withSQLitePorts) }
    @Test func boundsSignIns() async throws { try await SignInConformance.checkBounds(withSQLitePorts) }
    @Test func handsOutOnce() async throws { try await SignInConformance.checkConcurrentTaking(withSQLitePorts) }
}
