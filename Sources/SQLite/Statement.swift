import CSQLite

/// A compiled statement. Made by `Database.prepare`, which keeps it for the next time; it must
/// not outlive its database.
package final class Statement {
    let handle: OpaquePointer
    private unowned let database: Database
    /// While rows are being read: the same text prepared meanwhile gets another statement.
    private(set) var isRunning = false

    init(handle: OpaquePointer, database: Database) {
        self.handle = handle
        self.database = database
    }

    deinit { sqlite3_finalize(handle) }

    /// Runs the statement to its end, passing each row while it is current. The values fill the
    /// `?`s from the left; their number must be the statement's.
    package func forEachRow(
        binding values: [(any Bindable)?],
        _ body: (Row) throws(SQLiteError) -> Void
    ) throws(SQLiteError) {
        precondition(!isRunning, "a statement can't run inside itself")
        precondition(
            values.count == Int(sqlite3_bind_parameter_count(handle)),
            "the number of values is not the statement's number of parameters")
        isRunning = true
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
            isRunning = false
        }
        for (index, value) in values.enumerated() {
            let position = Int32(index + 1)
            let result =
                value?.bind(to: handle, at: position) ?? sqlite3_bind_null(handle, position)
            if result != SQLITE_OK { throw database.lastError() }
        }
        while true {
            switch sqlite3_step(handle) {
            case SQLITE_ROW: try body(Row(statement: handle))
            case SQLITE_DONE: return
            default: throw database.lastError()
            }
        }
    }
}

/// The current row of a running statement; valid only inside the closure it is passed to.
/// Columns are counted from 0. NULL reads as 0, "" or no bytes: where it may be NULL, use the
/// optional forms.
package struct Row {
    let statement: OpaquePointer

    package func isNull(_ column: Int) -> Bool {
        sqlite3_column_type(statement, Int32(column)) == SQLITE_NULL
    }

    package func int64(_ column: Int) -> Int64 { sqlite3_column_int64(statement, Int32(column)) }

    package func int(_ column: Int) -> Int { Int(int64(column)) }

    package func bool(_ column: Int) -> Bool { int64(column) != 0 }

    /// Bytes that are not UTF-8 are repaired with U+FFFD.
    package func text(_ column: Int) -> String {
        guard let characters = sqlite3_column_text(statement, Int32(column)) else { return "" }
        let count = Int(sqlite3_column_bytes(statement, Int32(column)))
        return String(decoding: UnsafeBufferPointer(start: characters, count: count), as: UTF8.self)
    }

    package func blob(_ column: Int) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(statement, Int32(column)) else { return [] }
        let count = Int(sqlite3_column_bytes(statement, Int32(column)))
        return [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
    }

    package func optionalInt64(_ column: Int) -> Int64? { isNull(column) ? nil : int64(column) }

    package func optionalText(_ column: Int) -> String? { isNull(column) ? nil : text(column) }

    package func optionalBlob(_ column: Int) -> [UInt8]? { isNull(column) ? nil : blob(column) }
}
