import Certificates
import PostgreSQL
import Testing
import TrackerCore

@testable import Tracker

@Suite struct PostgreSQLSchemaTests {
    /// What a tracker that knew nothing of sealed groups has left behind.
    private func firstVersion() throws -> String {
        let location = try PostgreSQLServer.shared.get().database()
        let connection = try PostgreSQLConnection(location, patience: .seconds(30))
        try connection.runScript(
            """
            CREATE SCHEMA mtorrent; SET search_path TO mtorrent;
            CREATE TABLE schema_version (version BIGINT NOT NULL)
            """)
        try connection.runScript(PostgreSQLSchema.steps[0])
        try connection.runScript(
            """
            BEGIN;
            INSERT INTO schema_version VALUES (1);
            INSERT INTO network (id) VALUES ('old');
            INSERT INTO users (user_id, password, passkey, created_at)
                VALUES ('ann', 'hash', '\(key("ann").hex)', 7);
            INSERT INTO groups (group_id, kind, owner, created_at) VALUES ('g', 'open', 'ann', 7);
            INSERT INTO members (group_id, user_id, joined_at) VALUES ('g', 'ann', 7);
            COMMIT
            """)
        connection.close()
        return location
    }

    @Test func `a server of the first version is carried over, and takes sealed groups`() throws {
        let location = try firstVersion()
        for _ in 0..<2 {
            let store = try SQLStore(migrated: location)
            #expect(store.networkID == "old")
            let snapshot = try store.snapshot()
            let directory = try Directory(snapshot: snapshot.events, through: snapshot.through)
            #expect(directory.group("g")?.kind == .open)
            #expect(try store.authority(ofGroup: "g") == nil)
        }
        let store = try SQLStore(migrated: location)
        let authorities = GroupAuthorities(
            box: SecretBox(key: [UInt8](repeating: 7, count: SecretBox.keyLength)))
        let authority = try authorities.make(group: "s")
        let create = DirectoryCommand.createGroup(
            group: "s", kind: .sealed, owner: "ann", authority: authority)
        #expect(try store.perform(create, at: 8) == .done)
        #expect(try store.authority(ofGroup: "s") == authority)
        // A sealed group without a key would be nobody's, and an open one needs none.
        for wrong in [
            DirectoryCommand.createGroup(group: "t", kind: .sealed, owner: "ann"),
            .createGroup(group: "t", kind: .open, owner: "ann", authority: authority),
        ] {
            #expect(throws: StoreError.self) { try store.perform(wrong, at: 9) }
        }
    }
}
