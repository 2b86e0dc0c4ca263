/// Why a PostgreSQL server didn't do what it was asked to.
package struct PostgreSQLError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// There is no connection, or it broke; what was asked may have been done.
        case connectionLost
        /// No answer in time; the connection is given up.
        case timedOut
        /// The server refused: its SQLSTATE
        /// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
        case refused(state: String)
    }

    package let kind: Kind
    /// The server's or the library's own words, on one line.
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message.split(whereSeparator: \.isNewline).joined(separator: "; ")
    }

    package var description: String {
        if case .refused(let state) = kind { "\(message) (PostgreSQL \(state))" } else { message }
    }

    /// The server can't be reached, is starting or stopping, or takes no changes since another one
    /// has taken over.
    package var isUnavailable: Bool {
        switch kind {
        case .connectionLost, .timedOut: true
        case .refused(let state):
            state.hasPrefix("08") || state.hasPrefix("57P") || state == "25006"
                || state == "25P03" || state == "53300"
        }
    }

    /// Another transaction was in the way; trying again helps.
    package var isBusy: Bool {
        if case .refused(let state) = kind {
            state == "55P03" || state == "40001" || state == "40P01" || state == "57014"
        } else {
            false
        }
    }

    package var isFull: Bool {
        if case .refused(let state) = kind { state == "53100" } else { false }
    }
}
