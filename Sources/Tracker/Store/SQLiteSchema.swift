/// The tables, as `user_version` numbers them. Every constraint that can be said in the schema
/// is, so that no bug above can break it.
enum SQLiteSchema {
    /// What makes each version of the one before; an empty file is of version 0.
    static let steps = [creation, directories, downloads, openSwarms, secret, disabling, sealing]

    static var version: Int { steps.count }

    /// Ids of rows grow: a smaller one came earlier.
    private static let creation = """
        CREATE TABLE network (
            id TEXT NOT NULL
        );
        CREATE TABLE users (
            id INTEGER PRIMARY KEY,
            user_id TEXT NOT NULL UNIQUE,
            password TEXT NOT NULL,
            passkey TEXT NOT NULL UNIQUE,
            created_at INTEGER NOT NULL
        );
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY,
            token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
            user_id TEXT NOT NULL REFERENCES users (user_id),
            port INTEGER NOT NULL,
            peer_id BLOB NOT NULL CHECK (length(peer_id) = 20),
            opened_at INTEGER NOT NULL,
            used_at INTEGER NOT NULL
        );
        CREATE INDEX sessions_by_user ON sessions (user_id, used_at);
        CREATE TABLE groups (
            id INTEGER PRIMARY KEY,
            group_id TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            owner TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            FOREIGN KEY (group_id, owner) REFERENCES members (group_id, user_id)
                DEFERRABLE INITIALLY DEFERRED
        );
        CREATE INDEX groups_by_owner ON groups (owner);
        CREATE TABLE members (
            id INTEGER PRIMARY KEY,
            group_id TEXT NOT NULL REFERENCES groups (group_id) ON DELETE CASCADE
                DEFERRABLE INITIALLY DEFERRED,
            user_id TEXT NOT NULL REFERENCES users (user_id),
            joined_at INTEGER NOT NULL,
            UNIQUE (group_id, user_id)
        );
        CREATE INDEX members_by_user ON members (user_id);
        CREATE TABLE requests (
            id INTEGER PRIMARY KEY,
            group_id TEXT NOT NULL REFERENCES groups (group_id) ON DELETE CASCADE,
            user_id TEXT NOT NULL REFERENCES users (user_id),
            requested_at INTEGER NOT NULL,
            UNIQUE (group_id, user_id)
        );
        CREATE TABLE files (
            id INTEGER PRIMARY KEY,
            group_id TEXT NOT NULL REFERENCES groups (group_id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            info_hash BLOB NOT NULL UNIQUE CHECK (length(info_hash) = 20),
            size INTEGER NOT NULL,
            sha1 BLOB NOT NULL CHECK (length(sha1) = 20),
            piece_length INTEGER NOT NULL,
            piece_count INTEGER NOT NULL,
            added_by TEXT NOT NULL REFERENCES users (user_id),
            added_at INTEGER NOT NULL,
            info BLOB NOT NULL,
            UNIQUE (group_id, name)
        );
        CREATE TABLE shares (
            id INTEGER PRIMARY KEY,
            group_id TEXT NOT NULL,
            name TEXT NOT NULL,
            user_id TEXT NOT NULL,
            since INTEGER NOT NULL,
            UNIQUE (group_id, name, user_id),
            FOREIGN KEY (group_id, name) REFERENCES files (group_id, name) ON DELETE CASCADE,
            FOREIGN KEY (group_id, user_id) REFERENCES members (group_id, user_id)
                ON DELETE CASCADE
        );
        CREATE INDEX shares_by_member ON shares (group_id, user_id);
        CREATE TABLE events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            group_id TEXT,
            body TEXT NOT NULL
        );
        CREATE INDEX events_by_group ON events (group_id, seq) WHERE group_id IS NOT NULL;
        """

    /// A directory has a number of files, and no hash of the whole. A constraint can only be
    /// changed with its column.
    private static let directories = """
        ALTER TABLE files RENAME COLUMN sha1 TO old_sha1;
        ALTER TABLE files ADD COLUMN sha1 BLOB CHECK (length(sha1) = 20);
        UPDATE files SET sha1 = old_sha1;
        ALTER TABLE files DROP COLUMN old_sha1;
        ALTER TABLE files ADD COLUMN file_count INTEGER
            CHECK ((file_count IS NULL) = (sha1 IS NOT NULL) AND file_count > 0);
        """

    /// How often a file was downloaded, as announces tell.
    private static let downloads =
        "ALTER TABLE files ADD COLUMN downloads INTEGER NOT NULL DEFAULT 0"

    /// Who has registered which info-hash as an open swarm.
    private static let openSwarms = """
        CREATE TABLE registered_hashes (
            id INTEGER PRIMARY KEY,
            info_hash BLOB NOT NULL CHECK (length(info_hash) = 20),
            user_id TEXT NOT NULL REFERENCES users (user_id),
            since INTEGER NOT NULL,
            UNIQUE (info_hash, user_id)
        );
        CREATE INDEX registered_hashes_by_user ON registered_hashes (user_id);
        """

    /// What trackers know and nobody else: it keys the identities of peers in swarms.
    private static let secret =
        "ALTER TABLE network ADD COLUMN secret BLOB CHECK (length(secret) = 16)"

    /// Whether an operator has shut a user out.
    private static let disabling =
        "ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0"

    /// The authority of a sealed group; its key is encrypted.
    private static let sealing = """
        ALTER TABLE groups ADD COLUMN certificate BLOB;
        ALTER TABLE groups ADD COLUMN sealed_key BLOB
            CHECK ((certificate IS NULL) = (sealed_key IS NULL)
                AND (kind = 'sealed') = (sealed_key IS NOT NULL));
        """
}

/// The swarms' log, in a file of its own: what it holds is told anew by the peers, so that it isn't
/// synced, and its writers don't wait for those of the directory.
enum SQLiteSwarmSchema {
    static let steps = [
        """
        CREATE TABLE swarm_log (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            tracker BLOB NOT NULL CHECK (length(tracker) = 8),
            at INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        CREATE INDEX swarm_log_by_time ON swarm_log (at);
        """
    ]
}
