import TrackerCore
import Wire

/// Where the directory is kept. Every call blocks; one thread at a time uses a store.
///
/// A command is one transaction: it is checked, performed and logged together, and what was
/// answered is on disk. Nothing above knows which database it is.
package protocol DirectoryStore: AnyObject {
    /// 32 hex digits, drawn when the network was founded.
    var networkID: String { get }

    /// 16 random bytes that all trackers of the network know, and nobody else.
    var secret: [UInt8] { get }

    /// The events that make the present state, and the place in the log they stand for.
    func snapshot() throws(StoreError) -> (events: [RecordedEvent], through: Int64)

    /// The log after `sequence`, oldest first, at most `limit` events.
    func events(after sequence: Int64, limit: Int) throws(StoreError) -> [RecordedEvent]

    /// Another one after another server may have been chosen, which may lack what the last one had.
    var connectionNumber: Int { get }

    /// All events of a group that are kept, oldest first.
    func events(ofGroup group: String) throws(StoreError) -> [RecordedEvent]

    /// - Parameter time: seconds since 1970.
    func perform(
        _ command: DirectoryCommand, at time: Int64
    ) throws(StoreError) -> DirectoryAnswer

    /// The user's salted password hash; nil for an unknown user.
    func password(of user: String) throws(StoreError) -> String?

    /// The bencoded info dictionary of a group's file; nil for an unknown file.
    func info(of name: String, in group: String) throws(StoreError) -> [UInt8]?

    /// A sealed group's authority; nil for an open group, and an unknown one.
    func authority(ofGroup group: String) throws(StoreError) -> GroupAuthority?

    /// Who has left a group since then, or was removed from it, and isn't a member again.
    func leavers(ofGroup group: String, since time: Int64) throws(StoreError) -> [String]

    /// How often each group's file was downloaded, those left out that never were.
    func downloads() throws(StoreError) -> [InfoHash: UInt32]

    /// Remembers how often files were downloaded; none of them is in the log.
    func record(downloads: [InfoHash: UInt32]) throws(StoreError)

    /// Takes the right to change something, and gives it back: throws what is in the way.
    func tryWriting() throws(StoreError)

    /// Housekeeping: remembers that these sessions are in use, ends those not used for long, and
    /// forgets old comings and goings of sessions in the log.
    func maintain(online: [SessionID], at time: Int64) throws(StoreError)
}

/// Why the store didn't do what it was asked to.
package enum StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    case refused(DirectoryRefusal)
    /// Another process has held the database for too long; trying again helps.
    case busy
    /// The database can't be reached; nothing was done.
    case unavailable(reason: String)
    /// The database went away while it was told to keep a change: it may be there or not.
    case outcomeUnknown
    /// No space on the disk.
    case full
    /// What was read of the log isn't in it any more.
    case wentBack
    /// Made by a newer program.
    case newerSchema(path: String, version: Int, known: Int)
    /// Made by an older program, and not to be changed.
    case olderSchema(path: String, version: Int, known: Int)
    case failed(String)

    package var description: String {
        switch self {
        case .refused(let refusal): "\(refusal)"
        case .busy: "the database is held by another program"
        case .unavailable(let reason): "the database can't be reached: \(reason)"
        case .outcomeUnknown: "the database went away while it was asked"
        case .wentBack:
            "the database has gone back to an earlier state: start the tracker again, so that it "
                + "reads all of it anew"
        case .full: "no space left on the disk that holds the database"
        case .newerSchema(let path, let version, let known):
            "\(path) is of schema version \(version), this program knows versions up to \(known): "
                + "start the newer mtorrent-tracker that made it"
        case .olderSchema(let path, let version, let known):
            "\(path) is of schema version \(version), this program makes it \(known): start this "
                + "mtorrent-tracker first, or use the one that made it"
        case .failed(let message): message
        }
    }
}
