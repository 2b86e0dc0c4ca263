import CSQLite
import Glibc

/// One connection to an SQLite database: write-ahead log, foreign keys on, file mode 0600.
///
/// Not thread-safe: its owner serialises every call, statements and rows included (SQLite is
/// opened without its own mutex). Errors carry SQLite's codes and words.
package final class Database {
    /// When a commit is safe (https://www.sqlite.org/pragma.html#pragma_synchronous).
    package enum Synchronous: String, Sendable {
        /// Survives power loss: every commit syncs the log.
        case full = "FULL"
        /// Survives the program's death; power loss may undo the last commits, never corrupt.
        case normal = "NORMAL"
    }

    package enum TransactionKind: String, Sendable {
        /// Takes the write lock at once, so that what is read cannot change before the write.
        case immediate = "BEGIN IMMEDIATE"
        /// For reading one consistent state.
        case deferred = "BEGIN DEFERRED"
    }

    private let handle: OpaquePointer
    private var statements: [String: Statement] = [:]
    /// Statement texts are constants of the program; a bound all the same.
    private static let maximumCachedStatements = 256

    /// Opens the database, creating the file (mode 0600) where there is none. The folder must
    /// exist. `":memory:"` is a private database without a file.
    /// - Parameter busyTimeout: how long a call waits for another connection's lock.
    package init(
        path: String, synchronous: Synchronous, busyTimeout: Duration = .seconds(5)
    ) throws(SQLiteError) {
        if path != ":memory:" { try Database.secureFile(path) }
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
        let result = sqlite3_open_v2(path, &opened, flags, nil)
        guard result == SQLITE_OK, let opened else {
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(opened)
            throw SQLiteError(extendedCode: result, message: "\(path): \(message)")
        }
        handle = opened
        sqlite3_extended_result_codes(handle, 1)
        let milliseconds =
            busyTimeout.components.seconds * 1000
            + busyTimeout.components.attoseconds / 1_000_000_000_000_000
        // SQLite's own way waits longer from try to try, a tenth of a second in the end: whoever
        // writes all the time would leave no gap that is hit.
        sqlite3_busy_handler(
            handle,
            { limit, tries in
                guard Int(tries) < Int(bitPattern: limit) else { return 0 }
                usleep(1000)
                return 1
            }, UnsafeMutableRawPointer(bitPattern: Int(milliseconds)))
        let mode = try queryOne("PRAGMA journal_mode = WAL") { $0.text(0) } ?? ""
        guard mode == "wal" || mode == "memory" else {
            throw SQLiteError(
                extendedCode: SQLITE_CANTOPEN,
                message: "\(path): this file system can't hold a write-ahead log")
        }
        try executeScript(
            "PRAGMA synchronous = \(synchronous.rawValue); PRAGMA foreign_keys = ON")
    }

    deinit {
        statements.removeAll()
        sqlite3_close_v2(handle)
    }

    /// SQLite gives the -wal and -shm files the mode of the database file. An existing file is
    /// not opened here: closing it would drop the locks of a connection in this process.
    private static func secureFile(_ path: String) throws(SQLiteError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
        } else if errno != EEXIST {
            let reason = String(cString: strerror(errno))
            throw SQLiteError(extendedCode: SQLITE_CANTOPEN, message: "\(path): \(reason)")
        } else {
            // Fails only for someone else's file, whose mode is that owner's to decide.
            _ = chmod(path, 0o600)
        }
    }

    // MARK: Statements

    /// Compiles a statement, or takes it from those compiled before.
    package func prepare(_ sql: String) throws(SQLiteError) -> Statement {
        if let known = statements[sql], !known.isRunning { return known }
        var compiled: OpaquePointer?
        let result = sqlite3_prepare_v3(
            handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &compiled, nil)
        guard result == SQLITE_OK else { throw lastError() }
        guard let compiled else {
            throw SQLiteError(extendedCode: SQLITE_MISUSE, message: "an empty statement")
        }
        let statement = Statement(handle: compiled, database: self)
        if statements[sql] == nil, statements.count < Database.maximumCachedStatements {
            statements[sql] = statement
        }
        return statement
    }

    /// Runs one statement to its end and drops its rows.
    package func execute(_ sql: String, _ values: (any Bindable)?...) throws(SQLiteError) {
        try prepare(sql).forEachRow(binding: values) { (_) throws(SQLiteError) in }
    }

    /// Runs several statements without parameters, separated by `;`: schemas and pragmas.
    package func executeScript(_ sql: String) throws(SQLiteError) {
        if sqlite3_exec(handle, sql, nil, nil, nil) != SQLITE_OK { throw lastError() }
    }

    /// Every row of the statement, mapped.
    package func query<T>(
        _ sql: String, _ values: (any Bindable)?..., row map: (Row) throws(SQLiteError) -> T
    ) throws(SQLiteError) -> [T] {
        var rows: [T] = []
        try prepare(sql).forEachRow(binding: values) { (row) throws(SQLiteError) in
            rows.append(try map(row))
        }
        return rows
    }

    /// The first row of the statement, mapped; nil without rows.
    package func queryOne<T>(
        _ sql: String, _ values: (any Bindable)?..., row map: (Row) throws(SQLiteError) -> T
    ) throws(SQLiteError) -> T? {
        var first: T?
        try prepare(sql).forEachRow(binding: values) { (row) throws(SQLiteError) in
            if first == nil { first = try map(row) }
        }
        return first
    }

    /// Rows changed by the last INSERT, UPDATE or DELETE.
    package var changedRowCount: Int { Int(sqlite3_changes64(handle)) }

    package var lastInsertedRowID: Int64 { sqlite3_last_insert_rowid(handle) }

    // MARK: Transactions

    /// Commits what `body` did, or undoes all of it when `body` or the commit throws.
    /// Transactions don't nest.
    package func transaction<T>(
        _ kind: TransactionKind = .immediate, _ body: () throws -> T
    ) throws -> T {
        precondition(sqlite3_get_autocommit(handle) != 0, "transactions don't nest")
        try execute(kind.rawValue)
        do {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            // SQLite has rolled back by itself after some errors, such as a full disk.
            if sqlite3_get_autocommit(handle) == 0 { try? execute("ROLLBACK") }
            throw error
        }
    }

    /// The number the application keeps in the file's header: the version of its schema.
    package func userVersion() throws(SQLiteError) -> Int {
        try queryOne("PRAGMA user_version") { $0.int(0) } ?? 0
    }

    package func setUserVersion(_ version: Int32) throws(SQLiteError) {
        try executeScript("PRAGMA user_version = \(version)")
    }

    func lastError() -> SQLiteError {
        SQLiteError(
            extendedCode: sqlite3_extended_errcode(handle),
            message: String(cString: sqlite3_errmsg(handle)))
    }
}
