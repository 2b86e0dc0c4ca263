import Glibc
import Reactor
import Synchronization

/// The record of an unfinished download while it goes on. Workers note each piece as they find it
/// right, before anybody else hears of it: from then on it survives the program's death. Every
/// call blocks for the disk.
final class ResumeRecord: Sendable {
    private let path: String
    private let file: SharedFile
    /// Where the marks begin in the file.
    private let start: Int
    private let marks: Mutex<[UInt8]>

    /// Replaces the file at `path` as a whole, or not at all.
    init(path: String, header: [UInt8], _ marks: [Resume.Mark]) throws(CommandError) {
        self.path = path
        start = header.count
        let bytes = marks.map(\.rawValue)
        self.marks = Mutex(bytes)
        let newPath = path + ".new"
        unlink(newPath)
        file = try DiskFile.openForWriting(newPath, mode: 0o600).0
        try write(header + bytes, at: 0)
        guard rename(newPath, path) == 0 else {
            throw DiskFile.failure("renaming", newPath, errno)
        }
    }

    /// What has been found out about a piece.
    func note(_ piece: Int, _ mark: Resume.Mark) throws(CommandError) {
        try marks.withLock { marks throws(CommandError) in
            marks[piece] = mark.rawValue
            try write([mark.rawValue], at: start + piece)
        }
    }

    /// The pieces that are verified and not synced.
    func unsyncedPieces() -> [Int] {
        marks.withLock { marks in
            marks.indices.filter { marks[$0] == Resume.Mark.verified.rawValue }
        }
    }

    /// These pieces survive the loss of power; that they do does from now on as well.
    func noteSynced(_ pieces: [Int]) throws(CommandError) {
        guard let first = pieces.first, let last = pieces.last else { return }
        try marks.withLock { marks throws(CommandError) in
            for piece in pieces { marks[piece] = Resume.Mark.synced.rawValue }
            try write(Array(marks[first...last]), at: start + first)
        }
        guard fdatasync(file.descriptor) == 0 else {
            throw DiskFile.failure("syncing", path, errno)
        }
    }

    /// Makes all that is marked, and that it replaced what was marked before, survive the loss of
    /// power.
    func sync() throws(CommandError) {
        let directory = open(Path.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw DiskFile.failure("syncing", path, errno) }
        defer { close(directory) }
        guard fdatasync(file.descriptor) == 0, fsync(directory) == 0 else {
            throw DiskFile.failure("syncing", path, errno)
        }
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws(CommandError) {
        try bytes.withUnsafeBufferPointer { bytes throws(CommandError) in
            try DiskFile.write(
                UnsafeRawBufferPointer(bytes), to: file, at: Int64(offset), path: path)
        }
    }
}
