/// How far the hashing of a file is; bytes.
package struct HashProgress: Sendable {
    package let hashed: Int64
    package let total: Int64
    package let bytesPerSecond: Double
}

/// What a log-in brought back.
package struct LoginSummary: Sendable {
    package let userID: String
    /// Files that are shared again.
    package var sharesRestored = 0
    /// Downloads that go on.
    package var downloadsResumed = 0
    /// Downloads that stay paused.
    package var downloadsPaused = 0
    /// What could not be restored, a sentence each.
    package var problems: [String] = []
}

/// What `upload_file` or `share` did.
package struct UploadOutcome: Sendable {
    package let name: String
    /// Bytes, pads left out.
    package let size: Int64
    package let infoHash: String
    /// Of a single file.
    package let sha1: String?
    /// Of a directory.
    package let fileCount: Int?
    package let pieceCount: Int
    package let pieceLength: Int
    /// False where the file was in the catalogue and the caller became another sharer.
    package let created: Bool
    /// The magnet link of a file without a group.
    package var magnet: String?
}

/// What of a torrent is downloaded, and in which order.
package struct DownloadOptions: Sendable {
    /// Patterns of fnmatch(3) for the wanted files' paths; empty where all are wanted.
    package var only: [String] = []
    /// Whether pieces are asked for in their order, for reading while they arrive.
    package var isSequential = false

    package init() {}
}

package enum DownloadState: Sendable, Equatable {
    /// Waits for its turn.
    case queued
    case downloading
    /// Until the user lets it go on.
    case paused
    /// All pieces are there; the whole file's hash is being checked and the file put in place.
    case finishing
    case complete
    case failed(CommandError)
}

/// One peer that a download had bytes from.
package struct PeerContribution: Sendable {
    /// `IP:PORT` of the peer's listening socket where known, else of its connection.
    package let endpoint: String
    package let bytes: Int64
}

/// One line of `show_downloads`.
package struct DownloadStatus: Sendable {
    /// Order of start; larger is later.
    package let number: Int
    /// Empty for a download by `.mtorrent` file.
    package let group: String
    package let name: String
    package let destination: String
    package let state: DownloadState
    package let size: Int64
    package let verified: Int64
    package let bytesPerSecond: Double
    package let secondsLeft: Double?
    package let connectedPeers: Int
    package let contributions: [PeerContribution]
}

/// Which way bytes go.
package enum Direction: String, Sendable, CaseIterable {
    case up, down
}

/// Bytes a second that peer connections may take in all, protocol and payload; nil: no limit.
package struct RateLimits: Sendable, Equatable {
    package var up: Int?
    package var down: Int?

    package init(up: Int? = nil, down: Int? = nil) {
        self.up = up
        self.down = down
    }

    package subscript(direction: Direction) -> Int? {
        get {
            switch direction {
            case .up: up
            case .down: down
            }
        }
        set {
            switch direction {
            case .up: up = newValue
            case .down: down = newValue
            }
        }
    }
}

/// What the node tells the terminal unasked.
package enum NodeNotice: Sendable {
    case downloadEnded(DownloadStatus)
    case trackerLost(String)
    case trackerBack(String)
    /// Something a person should know: a shared file changed, a request to join came in.
    case message(String)
}
