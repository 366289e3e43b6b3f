// SPDX-License-Identifier: Apache-2.0

import GRDB
import SallyModel

/// A value of a statement. Only what SQLite and PostgreSQL both keep unchanged.
enum SQLValue: Sendable, Equatable {
    case text(String?)
    case integer(Int64?)

    var databaseValue: DatabaseValue {
        switch self {
        case .text(let value): value?.databaseValue ?? .null
        case .integer(let value): value?.databaseValue ?? .null
        }
    }
}

/// Statements inside one transaction. Never kept beyond the body that got it.
struct StoreTransaction {
    let connection: GRDB.Database
    /// The moment of the transaction: one for all that the body does.
    let now: Timestamp

    /// Runs a statement that changes rows and returns how many.
    @discardableResult
    func execute(_ sql: String, _ values: [SQLValue] = []) throws -> Int {
        let statement = try connection.cachedStatement(sql: sql)
        try statement.execute(arguments: StatementArguments(values.map(\.databaseValue)))
        return connection.changesCount
    }

    func rows(_ sql: String, _ values: [SQLValue] = []) throws -> [StoreRow] {
        let statement = try connection.cachedStatement(sql: sql)
        return try Row.fetchAll(statement, arguments: StatementArguments(values.map(\.databaseValue))).map(
            StoreRow.init)
    }

    func row(_ sql: String, _ values: [SQLValue] = []) throws -> StoreRow? { try rows(sql, values).first }

    /// Counts `counter` up by one: numbers that are never given twice, not even after rows are gone.
    func next(_ counter: String) throws -> Int64 {
        let found = try row("UPDATE counters SET value = value + 1 WHERE name = ? RETURNING value", [.text(counter)])
        guard let found else { throw SallyError(.internal, "the database has no counter \(quoted(counter))") }
        return try found.integer("value")
    }
}

/// One row of a result.
struct StoreRow {
    private let row: Row

    init(_ row: Row) { self.row = row }

    func textIfAny(_ column: String) -> String? {
        guard let value: DatabaseValue = row[column] else { return nil }
        return String.fromDatabaseValue(value)
    }

    func integerIfAny(_ column: String) -> Int64? {
        guard let value: DatabaseValue = row[column] else { return nil }
        return Int64.fromDatabaseValue(value)
    }

    func text(_ column: String) throws -> String {
        guard let value = textIfAny(column) else { throw unreadable(column) }
        return value
    }

    func integer(_ column: String) throws -> Int64 {
        guard let value = integerIfAny(column) else { throw unreadable(column) }
        return value
    }

    func time(_ column: String) throws -> Timestamp { Timestamp(try integer(column)) }

    func timeIfAny(_ column: String) -> Timestamp? { integerIfAny(column).map { Timestamp($0) } }
}

/// A stored value breaks its rule: the database was changed by something else.
func unreadable(_ column: String) -> SallyError {
    SallyError(.internal, "a row of the database cannot be read", cause: "column \(column)")
}
