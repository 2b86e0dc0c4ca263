import CSQLite

/// A value that fills a `?` of a statement. NULL is `nil` where an optional is taken.
package protocol Bindable {
    /// Binds at a position counted from 1; SQLite copies the bytes. Returns a result code.
    func bind(to statement: OpaquePointer, at position: Int32) -> Int32
}

/// Tells SQLite to copy what it is given before the call returns (`SQLITE_TRANSIENT`).
private var transient: sqlite3_destructor_type {
    unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}

extension Int64: Bindable {
    package func bind(to statement: OpaquePointer, at position: Int32) -> Int32 {
        sqlite3_bind_int64(statement, position, self)
    }
}

extension Int: Bindable {
    package func bind(to statement: OpaquePointer, at position: Int32) -> Int32 {
        sqlite3_bind_int64(statement, position, Int64(self))
    }
}

/// Stored as 0 or 1.
extension Bool: Bindable {
    package func bind(to statement: OpaquePointer, at position: Int32) -> Int32 {
        sqlite3_bind_int64(statement, position, self ? 1 : 0)
    }
}

/// Stored as TEXT in UTF-8.
extension String: Bindable {
    package func bind(to statement: OpaquePointer, at position: Int32) -> Int32 {
        var copy = self
        return copy.withUTF8 { bytes in
            guard let base = bytes.baseAddress else {
                return sqlite3_bind_text(statement, position, "", 0, transient)
            }
            return base.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                sqlite3_bind_text(statement, position, $0, Int32(bytes.count), transient)
            }
        }
    }
}

/// Stored as BLOB; an empty array is an empty blob, not NULL.
extension [UInt8]: Bindable {
    package func bind(to statement: OpaquePointer, at position: Int32) -> Int32 {
        withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, !bytes.isEmpty else {
                return sqlite3_bind_zeroblob(statement, position, 0)
            }
            return sqlite3_bind_blob64(
                statement, position, base, sqlite3_uint64(bytes.count), transient)
        }
    }
}
