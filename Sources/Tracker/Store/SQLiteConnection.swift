import SQLite

/// A connection to an SQLite file that several trackers of one machine may have open.
package final class SQLiteConnection: SQLDatabase {
    private let database: Database
    /// Touched after each commit; nil of a file that nobody follows.
    private let signals: ChangeSignals?

    /// Opens the file, or makes it, and brings its schema up to date.
    /// - Parameters:
    ///   - path: of the file, in a folder that exists.
    ///   - steps: scripts that make each version of the schema of the one before.
    ///   - migrates: false refuses a file of an older version.
    ///   - isNew: called within the transaction that made the first version.
    init(
        path: String, synchronous: Database.Synchronous, steps: [String], signals: ChangeSignals?,
        migrates: Bool = true, isNew: (any SQLDatabase) throws -> Void = { _ in }
    ) throws {
        database = try Database(path: path, synchronous: synchronous)
        self.signals = signals
        let database = database
        try database.transaction {
            let version = try database.userVersion()
            guard version <= steps.count else {
                throw StoreError.newerSchema(path: path, version: version, known: steps.count)
            }
            guard version < steps.count else { return }
            guard migrates else {
                throw StoreError.olderSchema(path: path, version: version, known: steps.count)
            }
            for step in steps.dropFirst(version) { try database.executeScript(step) }
            try database.setUserVersion(Int32(steps.count))
            if version == 0 { try isNew(self) }
        }
    }

    package func run(_ sql: String, _ values: [SQLValue]) throws -> SQLResult {
        var result = SQLResult()
        let statement = try database.prepare(sql)
        let width = statement.columnCount
        try statement.forEachRow(binding: values.map(\.bindable)) { row in
            result.rows.append(SQLRow((0..<width).map { Self.value(row, $0) }))
        }
        result.changedRowCount = database.changedRowCount
        return result
    }

    /// The file is the same.
    package var connectionNumber: Int { 0 }

    /// SQLite does so by itself.
    package func continueNumbers(of tables: [(name: String, key: String)]) {}

    package func continueNumbers(of table: String, key: String, beyond number: Int64) {}

    private static func value(_ row: Row, _ column: Int) -> SQLValue {
        switch row.kind(column) {
        case .null: .null
        case .integer: .integer(row.int64(column))
        case .text: .text(row.text(column))
        case .blob: .blob(row.blob(column))
        }
    }

    package func transaction<T>(_ access: SQLAccess, _ body: () throws -> T) throws -> T {
        switch access {
        case .reading: return try database.transaction(.deferred, body)
        case .appending(let log):
            let result = try database.transaction(.immediate, body)
            signals?.tell(log)
            return result
        }
    }
}

extension SQLValue {
    fileprivate var bindable: (any Bindable)? {
        switch self {
        case .null: nil
        case .integer(let number): number
        case .text(let text): text
        case .blob(let bytes): bytes
        }
    }
}
