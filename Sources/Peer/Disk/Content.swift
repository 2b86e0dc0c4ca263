import Glibc
import Reactor
import Wire

/// The bytes of a torrent on disk. For the loop's thread and for workers alike; what says that it
/// blocks belongs on a worker.
protocol Content: AnyObject, Sendable {
    typealias Place = ContentLayout.Place

    var layout: ContentLayout { get }
    /// The file or directory, for messages.
    var path: String { get }
    /// A file that is open. Never blocks.
    func openFile(_ place: Place) -> SharedFile?
    /// A file that has bytes of the piece space, opened if need be; blocks. Throws what a person
    /// should know.
    func open(_ place: Place) throws(CommandError) -> SharedFile
    /// The path of a file, for messages.
    func path(of place: Place) -> String
    /// Whether an open file is still what it was when its bytes were hashed; asks fstat(2).
    func isUnchanged(_ place: Place, _ file: SharedFile) -> Bool
    /// What to say of a file that isn't.
    func changed(_ place: Place) -> CommandError
}

extension Content {
    /// The SHA-1 of a range of the piece space; blocks.
    func digest(of range: Range<Int64>) throws(CommandError) -> SHA1Digest {
        var hasher = SHA1Hasher()
        try update(&hasher, with: range)
        return hasher.finalize()
    }

    /// Goes on hashing with a range of the piece space; blocks. Pads count as zeros (BEP 47).
    func update(_ hasher: inout SHA1Hasher, with range: Range<Int64>) throws(CommandError) {
        try layout.forEachSpan(of: range) { span throws(CommandError) in
            switch span.place {
            case .file, .edges:
                try FileHasher.update(
                    &hasher, from: try open(span.place), path: path(of: span.place),
                    range: span.offset..<span.offset + Int64(span.length))
            case .pad:
                FileHasher.updateWithZeros(&hasher, count: span.length)
            }
        }
    }
}
