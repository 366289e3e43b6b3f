// SPDX-License-Identifier: Apache-2.0

import GRDB
import SallyModel

/// What the driver threw, as people may see it. Statements and their values stay out of it.
func storeError(_ error: any Error) -> any Error {
    guard let problem = error as? DatabaseError else { return error }
    let cause = "SQLite \(problem.extendedResultCode.rawValue): \(problem.message ?? "no message")"
    switch problem.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
        return SallyError(.unavailable, "the database is busy", hint: "try again later", cause: cause)
    case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_CANTOPEN:
        return SallyError(
            .unavailable, "the database cannot be written", hint: "ask an administrator to look at its disk",
            cause: cause)
    case .SQLITE_INTERRUPT:
        return CancellationError()
    default:
        return SallyError(.internal, "the database refused a statement", cause: cause)
    }
}
