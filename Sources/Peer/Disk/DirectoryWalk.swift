import Glibc
import Reactor
import Wire

/// Finds the files below a directory, in the order of their paths' bytes.
///
/// Only regular files can be shared: anything else is refused by its name rather than left out,
/// since who gets the directory could not know what is missing. Symbolic links are not followed,
/// also if they take the place of a directory while the walk goes on. Blocks; belongs on the
/// shell's thread or on a worker.
struct DirectoryWalk {
    struct File: Sendable {
        /// Components below the root.
        let path: [String]
        let identity: FileIdentity
    }

    private let root: Folder
    /// For messages.
    private let rootPath: String
    private let cancellation: Cancellation
    /// Directories that were found and not read yet, as components below the root.
    private var pending: [[String]] = [[]]
    private var files: [File] = []

    private init(root: Folder, path: String, cancellation: Cancellation) {
        self.root = root
        rootPath = path
        self.cancellation = cancellation
    }

    /// The files below `root`.
    /// - Parameter path: of the root, for messages.
    static func files(
        below root: Folder, path: String, cancellation: Cancellation = Cancellation()
    ) throws(CommandError) -> [File] {
        var walk = DirectoryWalk(root: root, path: path, cancellation: cancellation)
        while let directory = walk.pending.popLast() { try walk.read(directory) }
        let keyed = walk.files.map { (key: Array($0.path.joined(separator: "/").utf8), file: $0) }
        return keyed.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.file)
    }

    private mutating func read(_ directory: [String]) throws(CommandError) {
        let folder: Folder
        do throws(SystemError) {
            folder = try root.folder(directory.isEmpty ? "." : directory.joined(separator: "/"))
        } catch {
            throw Self.failure(name(directory), error.code)
        }
        for entry in try names(in: folder, directory) {
            if cancellation.isCancelled { throw CommandError("interrupted", .interrupted) }
            try take(entry, of: folder, directory)
        }
    }

    private mutating func take(
        _ entry: String, of folder: Folder, _ directory: [String]
    ) throws(CommandError) {
        let path = directory + [entry]
        var status = stat()
        guard fstatat(folder.descriptor, entry, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw Self.failure(name(path), errno)
        }
        guard path.count <= Info.File.maxComponents,
            path.reduce(-1, { $0 + $1.utf8.count + 1 }) <= Info.File.maxPathLength
        else {
            throw CommandError(
                "\(name(path)) lies too deep: paths below the directory may have"
                    + " \(Info.File.maxComponents) components and \(Info.File.maxPathLength) bytes",
                .cannotOpenFile)
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: pending.append(path)
        case S_IFREG:
            guard files.count < Info.maxFiles else {
                throw CommandError(
                    "\(rootPath) has more than \(Info.maxFiles) files: share its directories one"
                        + " by one", .cannotOpenFile)
            }
            files.append(File(path: path, identity: FileIdentity(status)))
        default: throw Self.notRegular(name(path), status.st_mode)
        }
    }

    /// The names in a directory but for `.` and `..`, in no certain order.
    private func names(
        in folder: Folder, _ directory: [String]
    ) throws(CommandError) -> [String] {
        // The stream closes its descriptor.
        guard let stream = fdopendir(dup(folder.descriptor)) else {
            throw Self.failure(name(directory), errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw Self.failure(name(directory), errno) }
                return names
            }
            let bytes = withUnsafeBytes(of: entry.pointee.d_name) { [UInt8]($0.prefix { $0 != 0 }) }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                let shown = String(decoding: bytes, as: UTF8.self)
                throw CommandError(
                    "\(name(directory + [shown])): the name is not UTF-8: rename it",
                    .cannotOpenFile)
            }
            if text != "." && text != ".." { names.append(text) }
        }
    }

    private func name(_ components: [String]) -> String {
        ([rootPath] + components).joined(separator: "/")
    }
}

// What is wrong with an entry.
extension DirectoryWalk {
    private static func notRegular(_ path: String, _ mode: mode_t) -> CommandError {
        let kind =
            switch mode & S_IFMT {
            case S_IFLNK: "a symbolic link"
            case S_IFSOCK: "a socket"
            case S_IFIFO: "a FIFO"
            default: "a device"
            }
        return CommandError(
            "\(path) is \(kind): only regular files can be shared: take it out of the directory",
            .cannotOpenFile)
    }

    static func failure(_ path: String, _ code: Int32) -> CommandError {
        switch code {
        case EACCES, EPERM:
            CommandError("\(path) can't be read: permission denied", .cannotOpenFile)
        // It was no link when it was found.
        case ELOOP, ENOENT, ENOTDIR, EXDEV: changed(path)
        default:
            CommandError("\(path) can't be read: \(DiskFile.describe(code))", .ioError)
        }
    }

    static func changed(_ path: String) -> CommandError {
        CommandError(
            "\(path) changed while it was being hashed: share it again when it is finished",
            .ioError)
    }
}
