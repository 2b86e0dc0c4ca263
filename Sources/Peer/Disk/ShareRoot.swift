import Glibc
import Reactor

/// Where what is shared and downloaded may lie: anywhere, or only below one directory, the share
/// root.
///
/// With a root, every path is followed from the open directory on, and nothing leads out of it,
/// whoever changes the tree meanwhile: below it no symbolic link is followed and no `..`
/// (`Folder`). All calls block for the disk.
package struct ShareRoot: Sendable {
    /// As the command line says it.
    package enum Choice: Hashable, Sendable {
        case anywhere
        /// A directory that is there.
        case directory(String)
        /// The directory in the working directory that is named for the listening port; made
        /// where it is missing.
        case namedForPort
    }

    /// A name in a directory that is held open, or a path from anywhere, for calls such as
    /// unlinkat(2).
    struct Place {
        /// Nil for a path.
        fileprivate let folder: Folder?
        let name: String

        /// Valid as long as the place.
        var descriptor: Int32 { folder?.descriptor ?? AT_FDCWD }
    }

    private struct Confinement {
        /// Absolute: as it was named, and without symbolic links.
        let paths: [String]
        let folder: Folder
    }

    private let confinement: Confinement?

    static let anywhere = ShareRoot(confinement: nil)

    private init(confinement: Confinement?) { self.confinement = confinement }

    /// - Parameter port: that is listened on.
    init(_ choice: Choice, port: UInt16) throws(CommandError) {
        let named: String
        switch choice {
        case .anywhere:
            self = .anywhere
            return
        case .directory(let path): named = Path.absolute(path)
        case .namedForPort:
            named = Path.absolute("\(port)")
            if mkdir(named, 0o700) != 0, errno != EEXIST {
                throw DiskFile.failure(creating: named, errno)
            }
        }
        guard let resolved = realpath(named, nil) else {
            throw CommandError(
                "the share root \(named) can't be used: \(DiskFile.describe(errno)): name a"
                    + " directory that is there with --share-root", .cannotOpenFile)
        }
        defer { free(resolved) }
        let path = String(cString: resolved)
        confinement = Confinement(
            paths: [named, path], folder: try DiskFile.openFolder(path))
    }

    // MARK: Following paths

    /// Fails with EXDEV where the path isn't below the root.
    func place(_ path: String) throws(SystemError) -> Place {
        guard let confinement else { return Place(folder: nil, name: path) }
        let names = try Self.names(path, in: confinement)
        guard let name = names.last else { return Place(folder: confinement.folder, name: ".") }
        let folder =
            names.count == 1
            ? confinement.folder
            : try confinement.folder.folder(names.dropLast().joined(separator: "/"))
        return Place(folder: folder, name: name)
    }

    /// The names that lead from the root to a path. Since no link is followed below the root,
    /// `..` is no more than the end of the name before it.
    private static func names(
        _ path: String, in confinement: Confinement
    ) throws(SystemError) -> [String] {
        let outside = SystemError(code: EXDEV, operation: "open \(path)")
        let bytes = Array(path.utf8)
        guard
            let root = confinement.paths.first(where: { root in
                let root = Array((root == "/" ? "" : root).utf8)
                return bytes.starts(with: root)
                    && (bytes.count == root.count || bytes[root.count] == UInt8(ascii: "/"))
            })
        else { throw outside }
        var names: [String] = []
        for name in path.utf8.dropFirst(root == "/" ? 0 : root.utf8.count).split(separator: 0x2F) {
            let name = String(decoding: name, as: UTF8.self)
            switch name {
            case ".": continue
            case "..":
                guard names.popLast() != nil else { throw outside }
            default: names.append(name)
            }
        }
        return names
    }

    /// What to say of a path that the root doesn't let through; nil for any other error.
    private func refusal(of path: String, _ code: Int32) -> CommandError? {
        guard let root = confinement?.paths.last else { return nil }
        switch code {
        case EXDEV:
            return CommandError(
                "\(path) lies outside of the share root \(root): name a path below it, or start"
                    + " with another --share-root", .cannotOpenFile)
        case ELOOP:
            return CommandError(
                "\(path) is a symbolic link, or lies behind one, and none is followed below the"
                    + " share root \(root): name the place itself", .cannotOpenFile)
        default: return nil
        }
    }

    func failure(opening path: String, _ code: Int32) -> CommandError {
        refusal(of: path, code) ?? DiskFile.failure(opening: path, code)
    }

    func failure(creating path: String, _ code: Int32) -> CommandError {
        refusal(of: path, code) ?? DiskFile.failure(creating: path, code)
    }

    /// Throws where a path isn't below the root, or lies behind a link.
    func require(_ path: String) throws(CommandError) {
        guard confinement != nil else { return }
        do throws(SystemError) {
            _ = try place(path)
        } catch {
            throw failure(opening: path, error.code)
        }
    }

    // MARK: Looking

    private func status(of path: String, followsLink: Bool) -> stat? {
        guard let place = try? place(path) else { return nil }
        var status = stat()
        // Behind a root there is no link to follow.
        let flags = followsLink && confinement == nil ? 0 : AT_SYMLINK_NOFOLLOW
        let result = fstatat(place.descriptor, place.name, &status, flags)
        return withExtendedLifetime(place) { result == 0 ? status : nil }
    }

    /// The identity of what the path names now; nil where nothing is there.
    func identity(at path: String) -> FileIdentity? {
        status(of: path, followsLink: true).map { FileIdentity($0) }
    }

    func exists(_ path: String) -> Bool { status(of: path, followsLink: false) != nil }

    func isDirectory(_ path: String) -> Bool {
        status(of: path, followsLink: true).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
    }

    /// Whether the path itself names a directory, rather than a link to one.
    func isDirectoryItself(_ path: String) -> Bool {
        status(of: path, followsLink: false).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
    }

    /// The identity of a regular file that may be read.
    func identityOfReadable(_ path: String) throws(CommandError) -> FileIdentity {
        let file = try openForReading(path)
        guard let identity = DiskFile.identity(of: file) else {
            throw failure(opening: path, errno)
        }
        return identity
    }

    // MARK: Opening

    private func open(
        _ path: String, flags: Int32, mode: mode_t = 0
    ) throws(SystemError) -> SharedFile {
        // O_NONBLOCK: opening a FIFO must not wait for its writer.
        let flags = flags | O_NONBLOCK
        let place = try place(path)
        guard let folder = place.folder else {
            return try SharedFile(path: path, flags: flags, mode: mode)
        }
        return try folder.open(place.name, flags: flags, mode: mode)
    }

    private func openRegular(_ path: String, flags: Int32) throws(CommandError) -> SharedFile {
        let file: SharedFile
        do throws(SystemError) {
            file = try open(path, flags: flags)
        } catch {
            throw failure(opening: path, error.code)
        }
        try DiskFile.requireRegular(file, path)
        return file
    }

    /// Opens a regular file for sharing, read-only.
    func openForReading(_ path: String) throws(CommandError) -> SharedFile {
        try openRegular(path, flags: O_RDONLY)
    }

    /// Opens a regular file that is there for reading and writing.
    func openExisting(_ path: String) throws(CommandError) -> SharedFile {
        try openRegular(path, flags: O_RDWR)
    }

    /// Opens a file for reading and writing, creating it where it is missing.
    /// - Returns: the file, and whether it is new.
    func openForWriting(_ path: String) throws(CommandError) -> (SharedFile, isNew: Bool) {
        do throws(SystemError) {
            return (try open(path, flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o644), true)
        } catch {
            guard error.code == EEXIST else { throw failure(creating: path, error.code) }
        }
        return (try openRegular(path, flags: O_RDWR), false)
    }

    func folder(_ path: String) throws(SystemError) -> Folder {
        let place = try place(path)
        guard let folder = place.folder else { return try Folder(path: path) }
        return try folder.folder(place.name)
    }

    /// Opens the directory of a torrent, whose path is the user's.
    func openFolder(_ path: String) throws(CommandError) -> Folder {
        do throws(SystemError) {
            return try folder(path)
        } catch {
            if error.code == ENOTDIR, exists(path) {
                throw CommandError("\(path) is not a directory", .cannotOpenFile)
            }
            throw failure(opening: path, error.code)
        }
    }

    // MARK: Changing

    /// Makes a directory; fails with EEXIST where something is there.
    func makeFolder(_ path: String) throws(SystemError) {
        try change(path, "mkdirat") { mkdirat($0.descriptor, $0.name, 0o755) }
    }

    /// Removes a file, or a directory that is empty.
    func remove(_ path: String, isFolder: Bool = false) throws(SystemError) {
        try change(path, "unlinkat") {
            unlinkat($0.descriptor, $0.name, isFolder ? AT_REMOVEDIR : 0)
        }
    }

    /// rename(2) that never replaces anything: fails with EEXIST where `to` is there.
    func rename(_ from: String, toNew to: String) throws(SystemError) {
        let (source, target) = (try place(from), try place(to))
        defer { withExtendedLifetime((source, target)) {} }
        try FileSystem.rename(
            source.name, in: source.descriptor, toNew: target.name, in: target.descriptor)
    }

    /// The same for file systems that can't rename in one step without replacing. link(2) can't
    /// replace either; nor can rename(2) of a directory, unless it is an empty one.
    func renameByLink(
        _ from: String, toNew to: String, isFolder: Bool
    ) throws(SystemError) {
        let target = try place(to)
        defer { withExtendedLifetime(target) {} }
        if !isFolder {
            let linked = Result { () throws(SystemError) in
                try change(from, "linkat") {
                    linkat($0.descriptor, $0.name, target.descriptor, target.name, 0)
                }
            }
            if case .success = linked { return try remove(from) }
        }
        try change(from, "renameat") {
            renameat($0.descriptor, $0.name, target.descriptor, target.name)
        }
    }

    private func change(
        _ path: String, _ operation: String, _ call: (Place) -> Int32
    ) throws(SystemError) {
        let place = try place(path)
        let result = call(place)
        let code = errno
        withExtendedLifetime(place) {}
        if result != 0 { throw SystemError(code: code, operation: "\(operation) \(path)") }
    }

    /// Makes what was renamed in the directory of a path survive a loss of power, where that can
    /// be done.
    func syncDirectory(of path: String) {
        guard let folder = try? folder(Path.directory(of: path)) else { return }
        withExtendedLifetime(folder) { _ = fsync(folder.descriptor) }
    }
}
