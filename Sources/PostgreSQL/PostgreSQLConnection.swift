import CPostgreSQL
import Glibc

/// A value that goes to the server or comes from it.
package enum PostgreSQLValue: Hashable, Sendable {
    case null
    /// `bigint`; smaller kinds come as this too.
    case integer(Int64)
    case text(String)
    /// `bytea`.
    case blob([UInt8])
}

/// One connection to a PostgreSQL server, by libpq. Blocks its thread, but no longer than the server
/// stays silent for a bounded time; one thread at a time uses it.
package final class PostgreSQLConnection {
    package struct Answer: Sendable {
        package var rows: [[PostgreSQLValue]] = []
        /// Rows that an INSERT, UPDATE or DELETE changed.
        package var changedRowCount = 0
    }

    /// Nil once it has been given up.
    private var handle: OpaquePointer?
    /// For a server that says nothing.
    package var patience: Duration
    /// Names of prepared statements by their text.
    private var prepared: [String: String] = [:]
    private static let mostPrepared = 256
    /// PG_DIAG_SQLSTATE, a macro of `postgres_ext.h`.
    private static let sqlState = Int32(UInt8(ascii: "C"))

    /// Connects to the first server of `location` that answers and is as its parameters ask
    /// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING).
    /// - Parameter patience: for a server that says nothing.
    package init(_ location: String, patience: Duration) throws(PostgreSQLError) {
        self.patience = patience
        // What stands behind `dbname` can't be changed by the location, what stands before can.
        let parameters = [
            ("connect_timeout", "3"), ("tcp_user_timeout", "5000"), ("keepalives_idle", "5"),
            ("keepalives_interval", "2"), ("target_session_attrs", "read-write"),
            ("dbname", location), ("fallback_application_name", "mtorrent-tracker"),
            ("client_encoding", "UTF8"),
        ]
        let keywords = parameters.map { strdup($0.0) } + [nil]
        let values = parameters.map { strdup($0.1) } + [nil]
        defer {
            for text in keywords + values { free(text) }
        }
        handle = PQconnectdbParams(
            keywords.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, 1)
        guard PQstatus(handle) == CONNECTION_OK else {
            let error = lost()
            // It may hold a password.
            throw PostgreSQLError(error.kind, error.message.replacing(location, with: "the URL"))
        }
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        // A server that has stopped reading mustn't hold up who sends.
        guard PQsetnonblocking(handle, 1) == 0 else { throw lost() }
    }

    deinit { PQfinish(handle) }

    package var isOpen: Bool { handle != nil }

    /// Gives the connection up.
    private func lost() -> PostgreSQLError {
        let message = handle.map { String(cString: PQerrorMessage($0)) } ?? "no connection"
        close()
        return PostgreSQLError(.connectionLost, message)
    }

    package func close() {
        PQfinish(handle)
        handle = nil
    }

    // MARK: Statements

    /// Runs one statement, whose values are `$1`, `$2` and so on.
    package func run(
        _ sql: String, _ values: [PostgreSQLValue]
    ) throws(PostgreSQLError) -> Answer {
        let types = values.map(\.type)
        let name: String
        if let known = prepared[sql] {
            name = known
        } else {
            name = prepared.count < Self.mostPrepared ? "s\(prepared.count)" : ""
            try send { PQsendPrepare($0, name, sql, Int32(types.count), types) }
            _ = try answer()
            if !name.isEmpty { prepared[sql] = name }
        }
        let bytes = values.map(\.bytes)
        let lengths = bytes.map { Int32($0?.count ?? 0) }
        let formats = values.map { if case .text = $0 { Int32(0) } else { Int32(1) } }
        // Text is read up to its end, the others by their lengths.
        let copies = bytes.map { bytes -> UnsafeMutablePointer<CChar>? in
            guard let bytes else { return nil }
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
            for (place, byte) in bytes.enumerated() { copy[place] = CChar(bitPattern: byte) }
            copy[bytes.count] = 0
            return copy
        }
        defer {
            for copy in copies { copy?.deallocate() }
        }
        try send {
            PQsendQueryPrepared(
                $0, name, Int32(values.count), copies.map { UnsafePointer($0) }, lengths, formats, 1
            )
        }
        return try answer()
    }

    /// Runs several statements without values, separated by `;`.
    package func runScript(_ sql: String) throws(PostgreSQLError) {
        try send { PQsendQuery($0, sql) }
        _ = try answer()
    }

    private func send(_ body: (OpaquePointer) -> Int32) throws(PostgreSQLError) {
        guard let handle, body(handle) == 1 else { throw lost() }
        while true {
            let left = PQflush(handle)
            guard left >= 0 else { throw lost() }
            if left == 0 { return }
            try awaitServer(for: POLLIN | POLLOUT)
            // It may wait for us to read before it reads on.
            guard PQconsumeInput(handle) == 1 else { throw lost() }
        }
    }

    private func awaitServer(for events: Int32) throws(PostgreSQLError) {
        guard !wait(for: events, until: .now + patience) else { return }
        close()
        throw PostgreSQLError(.timedOut, "the database didn't answer in time")
    }

    /// The last answer to what was sent, or the first error.
    private func answer() throws(PostgreSQLError) -> Answer {
        var answer = Answer()
        var refusal: PostgreSQLError?
        while let handle {
            while PQisBusy(handle) == 1 {
                try awaitServer(for: POLLIN)
                guard PQconsumeInput(handle) == 1 else { throw lost() }
            }
            guard let result = PQgetResult(handle) else { break }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK: answer = Self.read(result)
            default:
                let state = PQresultErrorField(result, Self.sqlState)
                let message = String(cString: PQresultErrorMessage(result))
                if PQstatus(handle) == CONNECTION_BAD || state == nil {
                    close()
                    throw PostgreSQLError(.connectionLost, message)
                }
                refusal =
                    refusal ?? PostgreSQLError(.refused(state: String(cString: state!)), message)
            }
        }
        guard let refusal else { return answer }
        // The server goes, or another one has taken over: the next connection finds out which.
        if refusal.isUnavailable { close() }
        throw refusal
    }

    /// Whether the socket is ready before the deadline.
    private func wait(for events: Int32, until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            let left = ContinuousClock.now.duration(to: deadline).components
            let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
            guard milliseconds > 0 else { return false }
            var entry = pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0)
            let count = poll(&entry, 1, Int32(clamping: milliseconds))
            if count > 0 { return true }
            if count < 0, errno != EINTR { return false }
        }
    }

    // MARK: Answers

    private static func read(_ result: OpaquePointer) -> Answer {
        var answer = Answer()
        answer.changedRowCount = Int(String(cString: PQcmdTuples(result))) ?? 0
        let columns = PQnfields(result)
        for row in 0..<PQntuples(result) {
            answer.rows.append((0..<columns).map { value(result, row, $0) })
        }
        return answer
    }

    private static func value(
        _ result: OpaquePointer, _ row: Int32, _ column: Int32
    ) -> PostgreSQLValue {
        guard PQgetisnull(result, row, column) == 0 else { return .null }
        let bytes = UnsafeRawBufferPointer(
            start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column)))
        // What a script answers is text.
        guard PQfformat(result, column) == 1 else {
            return .text(String(decoding: bytes, as: UTF8.self))
        }
        switch PQftype(result, column) {
        case 20, 21, 23:
            // Big-endian, of 8, 2 or 4 bytes, signed.
            let isNegative = bytes.first.map { $0 >= 0x80 } ?? false
            return .integer(bytes.reduce(isNegative ? -1 : 0) { $0 << 8 | Int64($1) })
        case 17: return .blob(Array(bytes))
        default: return .text(String(decoding: bytes, as: UTF8.self))
        }
    }

    // MARK: Notifications

    /// Waits for a notification of a channel that is listened to.
    /// - Returns: whether one came in time.
    package func awaitNotification(for time: Duration) throws(PostgreSQLError) -> Bool {
        guard let handle else { throw lost() }
        if takeNotifications(handle) { return true }
        guard wait(for: POLLIN, until: .now + time) else { return false }
        guard PQconsumeInput(handle) == 1 else { throw lost() }
        return takeNotifications(handle)
    }

    private func takeNotifications(_ handle: OpaquePointer) -> Bool {
        var hasCome = false
        while let notification = PQnotifies(handle) {
            hasCome = true
            PQfreemem(notification)
        }
        return hasCome
    }
}

extension PostgreSQLValue {
    /// The type's number, which the server never changes (`pg_type.dat`).
    fileprivate var type: Oid {
        switch self {
        case .null: 0
        case .integer: 20
        case .text: 25
        case .blob: 17
        }
    }

    fileprivate var bytes: [UInt8]? {
        switch self {
        case .null: nil
        case .integer(let number): withUnsafeBytes(of: number.bigEndian) { Array($0) }
        case .text(let text): Array(text.utf8)
        case .blob(let bytes): bytes
        }
    }
}
