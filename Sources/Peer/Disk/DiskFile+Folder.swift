import Glibc
import Reactor

/// Files of directories that are shared or downloaded. Their paths below the directory come from
/// the network, so that nothing but `Folder` follows them.
extension DiskFile {
    /// Opens the directory of a torrent, whose path is the user's.
    static func openFolder(_ path: String) throws(CommandError) -> Folder {
        do throws(SystemError) {
            return try Folder(path: path)
        } catch {
            if error.code == ENOTDIR, exists(path) {
                throw CommandError("\(path) is not a directory", .cannotOpenFile)
            }
            throw failure(opening: path, error.code)
        }
    }

    /// Opens a regular file below a directory, read-only.
    /// - Parameter root: the directory's path, for messages.
    static func openForReading(
        _ name: String, in folder: Folder, _ root: String
    ) throws(CommandError) -> SharedFile {
        let path = root + "/" + name
        let file: SharedFile
        do throws(SystemError) {
            // O_NONBLOCK: opening a FIFO must not wait for its writer.
            file = try folder.open(name, flags: O_RDONLY | O_NONBLOCK)
        } catch {
            throw failure(opening: path, error.code)
        }
        try requireRegular(file, path)
        return file
    }

    /// Opens a file below a directory for reading and writing.
    static func openForWriting(
        _ name: String, in folder: Folder, _ root: String
    ) throws(CommandError) -> SharedFile {
        let path = root + "/" + name
        do throws(SystemError) {
            return try folder.open(name, flags: O_RDWR | O_NONBLOCK)
        } catch {
            throw failure(opening: path, error.code)
        }
    }

    /// Opens a file below a directory for reading and writing, making it where it is missing.
    /// - Returns: the file, and whether it is new.
    static func openOrMake(
        _ name: String, in folder: Folder, _ root: String
    ) throws(CommandError) -> (SharedFile, isNew: Bool) {
        let path = root + "/" + name
        let flags = O_RDWR | O_NONBLOCK
        do throws(SystemError) {
            return (try folder.open(name, flags: flags | O_CREAT | O_EXCL, mode: 0o644), true)
        } catch {
            guard error.code == EEXIST else { throw failure(creating: path, error.code) }
        }
        let file = try openForWriting(name, in: folder, root)
        try requireRegular(file, path)
        return (file, false)
    }

    /// The identity of a regular file below a directory; nil where nothing is there.
    static func identityIfAny(
        of name: String, in folder: Folder, _ root: String
    ) throws(CommandError) -> FileIdentity? {
        let status: stat
        do throws(SystemError) {
            status = try folder.status(of: name)
        } catch {
            if error.code == ENOENT { return nil }
            throw failure(opening: root + "/" + name, error.code)
        }
        try requireRegular(status, root + "/" + name)
        return FileIdentity(status)
    }

    /// The identity of a regular file below a directory that may be read.
    static func identityOfReadable(
        _ name: String, in folder: Folder, _ root: String
    ) throws(CommandError) -> FileIdentity {
        let file = try openForReading(name, in: folder, root)
        guard let identity = identity(of: file) else {
            throw failure(opening: root + "/" + name, errno)
        }
        return identity
    }
}
