import CSQLite

/// What SQLite refused, with its result codes (https://www.sqlite.org/rescode.html).
package struct SQLiteError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The primary result code, such as `SQLITE_CONSTRAINT` (19).
    package let code: Int32
    /// The extended result code; its low byte is `code`.
    package let extendedCode: Int32
    /// SQLite's own English words, without the values that were bound.
    package let message: String

    package init(extendedCode: Int32, message: String) {
        self.code = extendedCode & 0xff
        self.extendedCode = extendedCode
        self.message = message
    }

    /// A row that can't be what this program wrote; for the closures that map rows.
    package static func malformed(_ message: String) -> SQLiteError {
        SQLiteError(extendedCode: SQLITE_CORRUPT, message: message)
    }

    /// A constraint of the schema (UNIQUE, FOREIGN KEY, CHECK, NOT NULL …) refused the change.
    package var isConstraint: Bool { code == SQLITE_CONSTRAINT }

    /// The constraint was UNIQUE or PRIMARY KEY: there is such a row already.
    package var isUniqueConstraint: Bool {
        // SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY and _ROWID: macros with operators aren't imported.
        isConstraint && [8, 6, 10].contains(extendedCode >> 8)
    }

    /// The constraint was FOREIGN KEY: the row referred to isn't there.
    package var isForeignKeyConstraint: Bool { isConstraint && extendedCode >> 8 == 3 }

    /// Another connection held the database for longer than the busy timeout.
    package var isBusy: Bool { code == SQLITE_BUSY || code == SQLITE_LOCKED }

    /// No space is left on the device.
    package var isFull: Bool { code == SQLITE_FULL }

    package var description: String { "\(message) (SQLite \(extendedCode))" }
}
