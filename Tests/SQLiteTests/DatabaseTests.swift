import CSQLite
import Glibc
import Testing

@testable import SQLite

/// A folder for database files, removed with the value.
private final class Folder {
    let path: String

    init() throws {
        var template = Array("/tmp/mtorrent-sqlite-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    func open(_ synchronous: Database.Synchronous = .normal) throws -> Database {
        try Database(path: path + "/test.db", synchronous: synchronous, busyTimeout: .zero)
    }

    func mode(of name: String) -> mode_t {
        var status = stat()
        return stat(path + "/" + name, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    deinit {
        for suffix in ["", "-wal", "-shm"] { unlink(path + "/test.db" + suffix) }
        rmdir(path)
    }
}

private struct Refusal: Error {}

struct DatabaseTests {
    @Test func `values come back as they were bound`() throws {
        let database = try Database(path: ":memory:", synchronous: .full)
        try database.execute("CREATE TABLE t (a, b, c, d, e)")
        let text = "naïve \u{0}\u{1F600} end"
        try database.execute(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?)", Int64.min, text, [UInt8]([0, 255, 7]), nil, true
        )
        let row = try database.queryOne("SELECT * FROM t") { row in
            #expect(row.int64(0) == .min)
            #expect(row.text(1) == text)
            #expect(row.blob(2) == [0, 255, 7])
            #expect(row.isNull(3) && row.optionalText(3) == nil && row.optionalInt64(3) == nil)
            #expect(row.bool(4) && row.int(4) == 1)
            return true
        }
        #expect(row == true)
    }

    @Test func `empty text and empty bytes are not null`() throws {
        let database = try Database(path: ":memory:", synchronous: .full)
        let row = try database.queryOne("SELECT ?, ?", "", [UInt8]()) { row in
            (row.optionalText(0), row.optionalBlob(1))
        }
        #expect(row?.0 == "" && row?.1 == [])
    }

    @Test func `a new database is private, in WAL mode, with foreign keys`() throws {
        let folder = try Folder()
        let database = try folder.open(.full)
        try database.execute("CREATE TABLE t (a)")
        #expect(folder.mode(of: "test.db") == 0o600)
        #expect(folder.mode(of: "test.db-wal") == 0o600)
        #expect(try database.queryOne("PRAGMA journal_mode") { $0.text(0) } == "wal")
        #expect(try database.queryOne("PRAGMA synchronous") { $0.int(0) } == 2)
        #expect(try database.queryOne("PRAGMA foreign_keys") { $0.bool(0) } == true)
    }

    @Test func `an existing database loses the permissions of others`() throws {
        let folder = try Folder()
        try folder.open().execute("CREATE TABLE t (a)")
        chmod(folder.path + "/test.db", 0o644)
        _ = try folder.open()
        #expect(folder.mode(of: "test.db") == 0o600)
    }

    @Test func `a database in a missing folder is an error that names the path`() {
        #expect(
            throws: SQLiteError(
                extendedCode: SQLITE_CANTOPEN, message: "/nonexistent/x: No such file or directory")
        ) { try Database(path: "/nonexistent/x", synchronous: .full) }
    }

    @Test func `a file that is no database is refused`() throws {
        let folder = try Folder()
        let file = try #require(fopen(folder.path + "/test.db", "w"))
        fputs(String(repeating: "no database ", count: 100), file)
        fclose(file)
        let error = #expect(throws: SQLiteError.self) { try folder.open() }
        #expect(error?.code == SQLITE_NOTADB)
    }

    @Test func `constraints are told apart`() throws {
        let database = try Database(path: ":memory:", synchronous: .full)
        try database.executeScript(
            """
            CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
            CREATE TABLE c (p INTEGER REFERENCES p (id));
            INSERT INTO p VALUES (1, 'one');
            """)
        for statement in ["INSERT INTO p VALUES (1, 'x')", "INSERT INTO p VALUES (2, 'one')"] {
            let error = #expect(throws: SQLiteError.self) { try database.execute(statement) }
            #expect(error?.isUniqueConstraint == true && error?.isConstraint == true)
        }
        let error = #expect(throws: SQLiteError.self) {
            try database.execute("INSERT INTO c VALUES (5)")
        }
        #expect(error?.isForeignKeyConstraint == true && error?.isUniqueConstraint == false)
    }

    @Test func `a transaction that throws leaves nothing behind`() throws {
        let database = try Database(path: ":memory:", synchronous: .full)
        try database.execute("CREATE TABLE t (a)")
        #expect(throws: Refusal.self) {
            try database.transaction {
                try database.execute("INSERT INTO t VALUES (1)")
                throw Refusal()
            }
        }
        let count = try database.transaction {
            try database.execute("INSERT INTO t VALUES (2)")
            return try database.queryOne("SELECT count(*) FROM t") { $0.int(0) }
        }
        #expect(count == 1)
        #expect(database.changedRowCount == 1 && database.lastInsertedRowID == 1)
    }

    @Test func `a second writer is told that the database is busy`() throws {
        let folder = try Folder()
        let first = try folder.open()
        let second = try folder.open()
        try first.transaction {
            let error = #expect(throws: SQLiteError.self) { try second.transaction {} }
            #expect(error?.isBusy == true)
        }
        try second.transaction {}
    }

    @Test func `a statement is compiled once, and again while its rows are read`() throws {
        let database = try Database(path: ":memory:", synchronous: .full)
        let sql = "SELECT 1 UNION SELECT 2"
        #expect(try database.prepare(sql) === database.prepare(sql))
        let pairs = try database.query(sql) { outer throws(SQLiteError) in
            try database.query(sql) { $0.int(0) * outer.int(0) }
        }
        #expect(pairs == [[1, 2], [2, 4]])
    }

    @Test func `a row refused by its reader ends the query and frees the statement`() throws {
        let database = try Database(path: ":memory:", synchronous: .full)
        for _ in 0..<2 {
            let error = #expect(throws: SQLiteError.self) {
                try database.query("SELECT 1") { _ throws(SQLiteError) in
                    throw SQLiteError.malformed("odd")
                }
            }
            #expect(error?.message == "odd")
        }
    }

    @Test func `the version of the schema is kept`() throws {
        let folder = try Folder()
        try folder.open().setUserVersion(7)
        #expect(try folder.open().userVersion() == 7)
    }

    @Test func `what was committed is there after the connection is gone`() throws {
        let folder = try Folder()
        try folder.open(.full).executeScript("CREATE TABLE t (a); INSERT INTO t VALUES ('kept')")
        #expect(try folder.open().query("SELECT a FROM t") { $0.text(0) } == ["kept"])
    }
}
