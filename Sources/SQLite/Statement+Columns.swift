import CSQLite

extension Statement {
    /// Columns of its rows; 0 of a statement that gives none.
    package var columnCount: Int { Int(sqlite3_column_count(handle)) }
}

/// What a column of a row holds.
package enum ColumnKind: Sendable {
    case null
    case integer
    case text
    case blob
}

extension Row {
    /// A number with a fraction, which this program doesn't write, counts as text.
    package func kind(_ column: Int) -> ColumnKind {
        switch sqlite3_column_type(statement, Int32(column)) {
        case SQLITE_NULL: .null
        case SQLITE_INTEGER: .integer
        case SQLITE_BLOB: .blob
        default: .text
        }
    }
}
