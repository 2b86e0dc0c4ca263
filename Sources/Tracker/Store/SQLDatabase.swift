import TrackerCore

/// What the store asks of a database, whichever it is. One thread at a time uses it.
///
/// Statements are written in what the databases have in common, `?` standing for each value; only
/// the schemas differ.
package protocol SQLDatabase: AnyObject {
    /// Runs one statement to its end.
    func run(_ sql: String, _ values: [SQLValue]) throws -> SQLResult

    /// Runs `body` in one transaction: all of it is done, or nothing.
    func transaction<T>(_ access: SQLAccess, _ body: () throws -> T) throws -> T

    /// Another one after another server may have been chosen, which may lack what the last one had.
    var connectionNumber: Int { get }

    /// Rows that were numbered elsewhere have been put in: the next ones get larger numbers.
    func continueNumbers(of tables: [(name: String, key: String)]) throws

    /// The next rows get larger numbers than this one.
    func continueNumbers(of table: String, key: String, beyond number: Int64) throws
}

/// What a transaction is for.
package enum SQLAccess: Hashable, Sendable {
    /// Sees one state throughout.
    case reading
    /// One at a time among all who have the database open, so that what was checked still holds,
    /// and that the entries of the log become visible in their order. Wakes who follows the log.
    case appending(TrackerLog)
}

/// The logs that trackers follow.
package enum TrackerLog: String, CaseIterable, Sendable {
    case directory
    case swarms
}

package enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])
}

package struct SQLResult: Sendable {
    package var rows: [SQLRow] = []
    /// Rows that an INSERT, UPDATE or DELETE changed.
    package var changedRowCount = 0

    package init() {}
}

/// A row of an answer; columns are counted from 0. NULL, or what is of another type, reads as 0,
/// "" or no bytes: where it may be NULL, use the optional forms.
package struct SQLRow: Sendable {
    package let values: [SQLValue]

    package init(_ values: [SQLValue]) { self.values = values }

    func optionalInt64(_ column: Int) -> Int64? {
        if case .integer(let number) = values[column] { number } else { nil }
    }

    func optionalBlob(_ column: Int) -> [UInt8]? {
        if case .blob(let bytes) = values[column] { bytes } else { nil }
    }

    func int64(_ column: Int) -> Int64 { optionalInt64(column) ?? 0 }

    func int(_ column: Int) -> Int { Int(int64(column)) }

    func text(_ column: Int) -> String {
        if case .text(let text) = values[column] { text } else { "" }
    }

    func blob(_ column: Int) -> [UInt8] { optionalBlob(column) ?? [] }
}

/// A value that fills a `?`.
package protocol SQLBindable {
    var sqlValue: SQLValue { get }
}

extension Int: SQLBindable {
    package var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension Int64: SQLBindable {
    package var sqlValue: SQLValue { .integer(self) }
}

extension String: SQLBindable {
    package var sqlValue: SQLValue { .text(self) }
}

extension [UInt8]: SQLBindable {
    package var sqlValue: SQLValue { .blob(self) }
}

extension SQLDatabase {
    /// - Returns: how many rows were changed.
    @discardableResult
    func execute(_ sql: String, _ values: (any SQLBindable)?...) throws -> Int {
        try run(sql, values.map { $0?.sqlValue ?? .null }).changedRowCount
    }

    /// Every row of the answer, mapped.
    func query<T>(
        _ sql: String, _ values: (any SQLBindable)?..., row map: (SQLRow) throws -> T
    ) throws -> [T] {
        try run(sql, values.map { $0?.sqlValue ?? .null }).rows.map(map)
    }

    /// The first row of the answer, mapped; nil without rows.
    func queryOne<T>(
        _ sql: String, _ values: (any SQLBindable)?..., row map: (SQLRow) throws -> T
    ) throws -> T? {
        try run(sql, values.map { $0?.sqlValue ?? .null }).rows.first.map(map)
    }
}
