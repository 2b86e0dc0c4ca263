import Glibc
import Reactor

/// Opening and measuring regular files; every failure is a `CommandError` that names the path.
///
/// These calls block: they belong on a worker or on the shell's thread.
enum DiskFile {
    /// Opens a regular file for sharing, read-only.
    static func openForReading(_ path: String) throws(CommandError) -> SharedFile {
        // O_NONBLOCK: opening a FIFO must not wait for its writer.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(opening: path, errno) }
        let file = SharedFile(adopting: descriptor)
        try requireRegular(file, path)
        return file
    }

    /// Writes all of some bytes.
    static func write(
        _ bytes: UnsafeRawBufferPointer, to file: SharedFile, at offset: Int64, path: String
    ) throws(CommandError) {
        var done = 0
        while done < bytes.count {
            let written = pwrite(
                file.descriptor, bytes.baseAddress! + done, bytes.count - done,
                off_t(offset) + off_t(done))
            if written < 0 {
                if errno == EINTR { continue }
                throw failure("writing", path, errno)
            }
            done += written
        }
    }

    /// Opens a file for reading and writing, creating it where it is missing.
    /// - Returns: the file, and whether it is new.
    static func openForWriting(
        _ path: String, mode: mode_t = 0o644
    ) throws(CommandError) -> (SharedFile, isNew: Bool) {
        let flags = O_RDWR | O_CLOEXEC | O_NONBLOCK
        let created = Glibc.open(path, flags | O_CREAT | O_EXCL, mode)
        if created >= 0 { return (SharedFile(adopting: created), true) }
        guard errno == EEXIST else { throw failure(creating: path, errno) }
        let descriptor = Glibc.open(path, flags)
        guard descriptor >= 0 else { throw failure(creating: path, errno) }
        let file = SharedFile(adopting: descriptor)
        try requireRegular(file, path)
        return (file, false)
    }

    /// The identity that tells whether a shared file is still the one that was hashed.
    static func identity(of file: SharedFile) -> FileIdentity? {
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else { return nil }
        return FileIdentity(status)
    }

    /// `size` bytes from `offset` on, or fewer where the file is shorter.
    static func contents(
        of file: SharedFile, path: String, size: Int, at offset: Int64 = 0
    ) throws(CommandError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = pread(
                    file.descriptor, buffer.baseAddress! + count, size - count,
                    off_t(offset) + off_t(count))
                if got < 0, errno == EINTR { continue }
                if got < 0 { code = errno }
                if got <= 0 { break }
                count += got
            }
        }
        guard code == 0 else { throw failure("reading", path, code) }
        return bytes
    }

    /// The identity of what the path names now; nil where nothing is there.
    static func identity(at path: String) -> FileIdentity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileIdentity(status)
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    static func requireRegular(_ file: SharedFile, _ path: String) throws(CommandError) {
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else { throw failure(opening: path, errno) }
        try requireRegular(status, path)
    }

    static func requireRegular(_ status: stat, _ path: String) throws(CommandError) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: return
        case S_IFDIR:
            throw CommandError(
                "\(path) is a directory: name a file inside it", .cannotOpenFile)
        default:
            throw CommandError("\(path) is not a regular file", .cannotOpenFile)
        }
    }

    static func failure(opening path: String, _ code: Int32) -> CommandError {
        switch code {
        case ENOENT, ENOTDIR:
            CommandError("FILE NOT FOUND: \(path)", .cannotOpenFile)
        case EACCES, EPERM:
            CommandError("\(path) can't be read: permission denied", .cannotOpenFile)
        case ELOOP:
            CommandError("\(path) is a symbolic link, or lies behind one", .cannotOpenFile)
        default:
            CommandError("\(path) can't be opened: \(describe(code))", .cannotOpenFile)
        }
    }

    static func failure(creating path: String, _ code: Int32) -> CommandError {
        let reason =
            switch code {
            case ENOENT: "its directory does not exist"
            case ENOTDIR: "a part of the path is not a directory"
            case EACCES, EPERM: "permission denied"
            case EROFS: "the file system is read-only"
            case EISDIR: "it is a directory"
            case ELOOP: "a symbolic link is in the way"
            case ENOSPC: "no space left on the device"
            default: describe(code)
            }
        return CommandError(
            "\(path) can't be created: \(reason)",
            code == ENOSPC ? .notEnoughDisk : .cannotCreateFile)
    }

    /// The text of an error number, strerror(3).
    static func describe(_ code: Int32) -> String {
        String(cString: strerror(code))
    }

    /// A failed read or write, with the exit code that fits it.
    static func failure(_ operation: String, _ path: String, _ code: Int32) -> CommandError {
        switch code {
        case ENOSPC, EDQUOT:
            CommandError(
                "\(path): disk full (\(describe(code))): make room and start the download again;"
                    + " what it has is kept", .notEnoughDisk)
        default:
            CommandError("\(path): \(operation) failed: \(describe(code))", .ioError)
        }
    }
}
