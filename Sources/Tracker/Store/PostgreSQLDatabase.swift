import Glibc
import PostgreSQL

/// A PostgreSQL server as the store sees it. A connection that breaks is made again with the next
/// question, at another server where the location names several.
final class PostgreSQLDatabase: SQLDatabase {
    private let location: String
    private let patience: Duration
    private var connection: PostgreSQLConnection?
    private(set) var connectionNumber = 0
    /// When a connection could last not be made: the next try waits for a moment.
    private var lastFailure: (time: ContinuousClock.Instant, error: PostgreSQLError)?
    private var isInTransaction = false
    /// Statements with `$1`, `$2` and so on for each `?`.
    private var numbered: [String: String] = [:]

    private static let pause = Duration.milliseconds(500)
    /// What this store's locks are told by from others' in the database.
    private static let lockClass = 0x6d54

    private enum Lock: Int {
        case schema
        case directory
        case swarms
    }

    /// - Parameter patience: for a server that says nothing.
    init(location: String, patience: Duration = .seconds(5)) {
        self.location = location
        self.patience = patience
    }

    // MARK: The connection

    private func connected() throws(PostgreSQLError) -> PostgreSQLConnection {
        if let connection, connection.isOpen { return connection }
        // What a transaction has done so far went with its connection.
        guard !isInTransaction else {
            throw PostgreSQLError(.connectionLost, "the connection broke in a transaction")
        }
        if let lastFailure, lastFailure.time.duration(to: .now) < Self.pause {
            throw lastFailure.error
        }
        do throws(PostgreSQLError) {
            let connection = try PostgreSQLConnection(location, patience: patience)
            // Who stops in the middle of a transaction doesn't stop the others.
            try connection.runScript(
                """
                SET lock_timeout = '4s'; SET idle_in_transaction_session_timeout = '2s';
                SET search_path TO mtorrent
                """)
            self.connection = connection
            connectionNumber += 1
            lastFailure = nil
            return connection
        } catch {
            lastFailure = (.now, error)
            throw error
        }
    }

    func run(_ sql: String, _ values: [SQLValue]) throws -> SQLResult {
        let text = numbered(sql)
        let values = values.map(\.postgreSQL)
        let answer: PostgreSQLConnection.Answer
        do throws(PostgreSQLError) {
            answer = try connected().run(text, values)
        } catch {
            // A kept connection has turned out broken; what is alone can be asked again.
            guard isWorthAnotherTry(error) else { throw error }
            answer = try connected().run(text, values)
        }
        var result = SQLResult()
        result.changedRowCount = answer.changedRowCount
        result.rows = answer.rows.map { SQLRow($0.map(\.sqlValue)) }
        return result
    }

    private func isWorthAnotherTry(_ error: PostgreSQLError) -> Bool {
        error.isUnavailable && error.kind != .timedOut && !isInTransaction && lastFailure == nil
    }

    private func numbered(_ sql: String) -> String {
        if let known = numbered[sql] { return known }
        var (text, number) = ("", 0)
        for character in sql {
            if character == "?" {
                number += 1
                text += "$\(number)"
            } else {
                text.append(character)
            }
        }
        if numbered.count < 1000 { numbered[sql] = text }
        return text
    }

    // MARK: Transactions

    func transaction<T>(_ access: SQLAccess, _ body: () throws -> T) throws -> T {
        precondition(!isInTransaction, "transactions don't nest")
        try begin(access)
        isInTransaction = true
        // What sees one state throughout reads all of it, sorted: that may take long to begin.
        if access == .reading { connection?.patience = max(patience, .seconds(60)) }
        defer {
            isInTransaction = false
            connection?.patience = patience
        }
        let value: T
        do {
            value = try body()
        } catch {
            try? connection?.runScript("ROLLBACK")
            throw error
        }
        try commit(access)
        return value
    }

    private func begin(_ access: SQLAccess) throws(PostgreSQLError) {
        let script =
            switch access {
            case .reading:
                """
                BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
                SET LOCAL idle_in_transaction_session_timeout = 0
                """
            case .appending(.directory): "BEGIN; " + Self.take(.directory)
            // What a server that takes over lacks of it, peers tell again.
            case .appending(.swarms):
                "BEGIN; SET LOCAL synchronous_commit = local; " + Self.take(.swarms)
            }
        do throws(PostgreSQLError) {
            try begin(by: script)
        } catch {
            guard isWorthAnotherTry(error) else { throw error }
            try begin(by: script)
        }
    }

    private func begin(by script: String) throws(PostgreSQLError) {
        do throws(PostgreSQLError) {
            try connected().runScript(script)
        } catch {
            try? connection?.runScript("ROLLBACK")
            throw error
        }
    }

    private static func take(_ lock: Lock) -> String {
        "SELECT pg_advisory_xact_lock(\(lockClass), \(lock.rawValue))"
    }

    private func commit(_ access: SQLAccess) throws {
        var script = "COMMIT"
        if case .appending(let log) = access { script = "NOTIFY \(log.channel); COMMIT" }
        do throws(PostgreSQLError) {
            try connected().runScript(script)
        } catch {
            guard case .appending = access, error.isUnavailable else { throw error }
            // A server may say that it goes when it has committed already.
            throw StoreError.outcomeUnknown
        }
    }

    func continueNumbers(of tables: [(name: String, key: String)]) throws {
        for (name, key) in tables {
            _ = try run(
                """
                SELECT setval(pg_get_serial_sequence('mtorrent.\(name)', '\(key)'),
                    (SELECT coalesce(max(\(key)), 0) + 1 FROM \(name)), false)
                """, [])
        }
    }

    func continueNumbers(of table: String, key: String, beyond number: Int64) throws {
        let sequence = "pg_get_serial_sequence('mtorrent.\(table)', '\(key)')"
        _ = try run(
            "SELECT setval(\(sequence), greatest(nextval(\(sequence)), ?))", [.integer(number)])
    }

    // MARK: Schema

    /// Makes the schema, or brings it up to date.
    func migrate(foundingID: String) throws {
        // Tables that are made anew may take long, and others wait for them.
        try connected().patience = max(patience, .seconds(60))
        try connected().runScript(
            "BEGIN; SET LOCAL lock_timeout = '60s'; "
                + "SET LOCAL idle_in_transaction_session_timeout = '60s'; " + Self.take(.schema))
        isInTransaction = true
        defer {
            isInTransaction = false
            connection?.patience = patience
        }
        do {
            try connected().runScript(
                """
                CREATE SCHEMA IF NOT EXISTS mtorrent;
                CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)
                """)
            let (version, known) = (try version(), PostgreSQLSchema.steps.count)
            try Self.refuseNewer(version)
            for step in PostgreSQLSchema.steps.dropFirst(version) {
                try connected().runScript(step)
            }
            if version == 0 {
                try execute("INSERT INTO network (id) VALUES (?)", foundingID)
                try execute("INSERT INTO schema_version VALUES (?)", known)
            } else if version < known {
                try execute("UPDATE schema_version SET version = ?", known)
            }
            try connected().runScript("COMMIT")
        } catch {
            try? connection?.runScript("ROLLBACK")
            throw error
        }
    }

    /// Of a newer or older schema it throws.
    func requirePresentSchema() throws {
        let tables = try queryOne(
            """
            SELECT count(*) FROM pg_tables
            WHERE schemaname = 'mtorrent' AND tablename = 'schema_version'
            """
        ) { $0.int(0) }
        guard tables == 1 else { throw StoreError.failed("no tracker keeps its state there") }
        let (version, known) = (try version(), PostgreSQLSchema.steps.count)
        try Self.refuseNewer(version)
        guard version == known else {
            throw StoreError.olderSchema(path: "the store", version: version, known: known)
        }
    }

    private func version() throws -> Int {
        try queryOne("SELECT version FROM schema_version") { $0.int(0) } ?? 0
    }

    private static func refuseNewer(_ version: Int) throws(StoreError) {
        let known = PostgreSQLSchema.steps.count
        guard version <= known else {
            throw .newerSchema(path: "the store", version: version, known: known)
        }
    }
}

extension TrackerLog {
    /// The channel of its notifications.
    var channel: String { "mtorrent_\(rawValue)" }
}

extension SQLValue {
    fileprivate var postgreSQL: PostgreSQLValue {
        switch self {
        case .null: .null
        case .integer(let number): .integer(number)
        case .text(let text): .text(text)
        case .blob(let bytes): .blob(bytes)
        }
    }
}

extension PostgreSQLValue {
    fileprivate var sqlValue: SQLValue {
        switch self {
        case .null: .null
        case .integer(let number): .integer(number)
        case .text(let text): .text(text)
        case .blob(let bytes): .blob(bytes)
        }
    }
}
