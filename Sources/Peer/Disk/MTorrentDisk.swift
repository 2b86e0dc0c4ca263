import Glibc
import Reactor
import Wire

/// Reading and writing of small description files: `.mtorrent` and `.torrent`.
enum MTorrentDisk {
    /// Room for a terabyte in 1500-byte chunks would be absurd; 64 MiB hold 1.6 million hashes.
    private static let maximumSize = 64 << 20

    static func read(_ path: String) throws(CommandError) -> MTorrentFile {
        let path = Path.absolute(path)
        guard DiskFile.exists(path) else {
            throw CommandError("MTORRENT_FILE_NOT_FOUND: \(path)", .cannotOpenFile)
        }
        let file = try DiskFile.openForReading(path)
        let size = DiskFile.identity(of: file)?.size ?? 0
        guard size <= maximumSize else {
            throw CommandError("\(path) is too large for a .mtorrent file", .badMetainfo)
        }
        let bytes = try DiskFile.contents(of: file, path: path, size: Int(size))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError("\(path) is no .mtorrent file: it is not text", .badMetainfo)
        }
        do {
            return try MTorrentFile(parsing: text)
        } catch {
            throw CommandError("\(path): \(error)", .badMetainfo)
        }
    }

    /// Writes a new file in one step: complete under its name, or not there at all.
    /// - Parameter mode: of the file; 0600 where it holds a secret.
    static func write(
        _ bytes: [UInt8], to path: String, mode: mode_t = 0o644
    ) throws(CommandError) {
        guard !DiskFile.exists(path) else {
            throw CommandError(
                "\(path) exists already: remove it or name another file", .fileExists)
        }
        let temporary = path + ".tmp\(getpid())"
        unlink(temporary)
        let (file, _) = try DiskFile.openForWriting(temporary, mode: mode)
        defer { unlink(temporary) }
        try bytes.withUnsafeBufferPointer { bytes throws(CommandError) in
            try DiskFile.write(UnsafeRawBufferPointer(bytes), to: file, at: 0, path: path)
        }
        guard fsync(file.descriptor) == 0 else { throw DiskFile.failure("syncing", path, errno) }
        guard rename(temporary, path) == 0 else {
            throw CommandError(
                "\(path) can't be created: \(DiskFile.describe(errno))", .cannotCreateFile)
        }
    }
}
