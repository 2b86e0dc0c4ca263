import PeerCore
import Wire

/// A file or directory that a user shares, or shared when last logged in.
package struct Share: Hashable, Sendable {
    /// Empty for what is shared without an account.
    package var user: String
    /// Empty for what is shared by a `.mtorrent` file.
    package var group: String
    package var infoHash: InfoHash
    package var name: String
    /// Absolute path of the file or directory.
    package var path: String
    /// Absolute path of the `.mtorrent` file, where there is one.
    package var mtorrentPath: String?
    /// The bencoded info dictionary that `infoHash` is the SHA-1 of.
    package var info: [UInt8]
    /// What each file was when it was hashed, by its index in the info's `files`. Pads have
    /// none, nor have files of a directory that weren't wanted and so aren't here.
    package var identities: [Int: FileIdentity]
    /// False once the user stopped sharing it.
    package var isActive: Bool

    package init(
        user: String, group: String, infoHash: InfoHash, name: String, path: String,
        mtorrentPath: String?, info: [UInt8], identities: [Int: FileIdentity],
        isActive: Bool
    ) {
        self.user = user
        self.group = group
        self.infoHash = infoHash
        self.name = name
        self.path = path
        self.mtorrentPath = mtorrentPath
        self.info = info
        self.identities = identities
        self.isActive = isActive
    }
}

/// A download that was begun.
package struct Download: Equatable, Sendable {
    package enum State: Hashable, Sendable {
        /// Going on, or waiting for its turn.
        case downloading
        /// Until the user lets it go on.
        case paused
        case complete
        case failed(reason: String)
    }

    /// Empty for a download without an account.
    package var user: String
    /// Empty for a download by a `.mtorrent` file.
    package var group: String
    package var infoHash: InfoHash
    package var name: String
    /// Absolute path the file has once it is complete.
    package var destination: String
    package var mtorrentPath: String?
    /// The bencoded info dictionary that `infoHash` is the SHA-1 of.
    package var info: [UInt8]
    /// A bit for each of the info's `files`; nil where all of them are wanted.
    package var wantedFiles: Bitfield?
    /// Whether pieces are asked for in their order, for reading while they arrive.
    package var isSequential: Bool
    package var state: State
    /// Milliseconds since 1970.
    package var startedAtMilliseconds: Int64

    package init(
        user: String, group: String, infoHash: InfoHash, name: String, destination: String,
        mtorrentPath: String?, info: [UInt8], wantedFiles: Bitfield? = nil,
        isSequential: Bool = false, state: State, startedAtMilliseconds: Int64
    ) {
        self.user = user
        self.group = group
        self.infoHash = infoHash
        self.name = name
        self.destination = destination
        self.mtorrentPath = mtorrentPath
        self.info = info
        self.wantedFiles = wantedFiles
        self.isSequential = isSequential
        self.state = state
        self.startedAtMilliseconds = startedAtMilliseconds
    }
}
