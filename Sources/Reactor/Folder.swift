import CEpollShim
import Glibc

/// An open directory. What is named below it stays below it: no `..` and no symbolic link leads
/// out, whoever changes the tree meanwhile (openat2(2), RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS;
/// where that isn't to be had, a component after the other).
///
/// All calls block for the disk.
package final class Folder: Sendable {
    /// Valid as long as this object.
    package let descriptor: Int32

    /// Opens the directory at a path that is trusted.
    package init(path: String) throws(SystemError) {
        let result = SystemCall.retrying {
            Int(Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        }
        descriptor = Int32(try check(result, "open \(path)"))
    }

    private init(adopting descriptor: Int32) { self.descriptor = descriptor }

    deinit { SystemCall.close(descriptor) }

    /// Opens, or makes, a file below.
    /// - Parameter flags: of open(2).
    package func open(
        _ path: String, flags: Int32, mode: mode_t = 0
    ) throws(SystemError) -> SharedFile {
        let result = shim_open_beneath(descriptor, path, flags, mode)
        return SharedFile(adopting: try check(result, "openat2 \(path)"))
    }

    /// Opens a directory below.
    package func folder(_ path: String) throws(SystemError) -> Folder {
        let result = shim_open_beneath(descriptor, path, O_RDONLY | O_DIRECTORY, 0)
        return Folder(adopting: try check(result, "openat2 \(path)"))
    }

    /// Makes a directory right in this one; one that is there is left.
    /// - Parameter name: a single component.
    package func makeFolder(_ name: String) throws(SystemError) {
        let result = SystemCall.retrying { Int(mkdirat(descriptor, name, 0o755)) }
        if result != -Int(EEXIST) { try check(result, "mkdirat \(name)") }
    }

    /// Removes a file below, or a directory that is empty.
    package func remove(_ path: String, isFolder: Bool = false) throws(SystemError) {
        let (parent, name) = try parent(of: path)
        let (descriptor, flags) = (parent.descriptor, isFolder ? AT_REMOVEDIR : 0)
        let result = SystemCall.retrying { Int(unlinkat(descriptor, name, flags)) }
        withExtendedLifetime(parent) {}
        try check(result, "unlinkat \(path)")
    }

    /// What fstat(2) says of a file below that may be read; fails with ENOENT where nothing is.
    package func status(of path: String) throws(SystemError) -> stat {
        let file = try open(path, flags: O_RDONLY | O_NONBLOCK)
        var status = stat()
        let result = fstat(file.descriptor, &status) == 0 ? 0 : -Int(errno)
        try check(result, "fstat \(path)")
        return status
    }

    /// Moves a file below to the same place below another directory of the file system, never
    /// over anything: fails with EEXIST where something is there.
    package func move(_ path: String, to other: Folder) throws(SystemError) {
        let (from, name) = try parent(of: path)
        let (to, _) = try other.parent(of: path)
        defer { withExtendedLifetime((from, to)) {} }
        let result = shim_rename_new(from.descriptor, name, to.descriptor, name)
        guard [-EINVAL, -ENOSYS].contains(result) else {
            try check(result, "renameat2 \(path)")
            return
        }
        // Not known to this file system in one step; linkat(2) replaces nothing either.
        let linked = SystemCall.retrying {
            Int(linkat(from.descriptor, name, to.descriptor, name, 0))
        }
        try check(linked, "linkat \(path)")
        try remove(path)
    }

    private func parent(of path: String) throws(SystemError) -> (Folder, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (self, path) }
        return (try folder(String(path[..<slash])), String(path[path.index(after: slash)...]))
    }

    /// Makes everything on this file system survive a loss of power, syncfs(2).
    package func syncFileSystem() throws(SystemError) {
        try check(shim_sync_file_system(descriptor), "syncfs")
    }
}

/// Calls of the file system that Glibc's module doesn't have.
package enum FileSystem {
    /// rename(2) that never replaces anything; fails with EEXIST where `to` is there, with EINVAL
    /// or ENOSYS where it can't be done in one step.
    /// - Parameter directory: an open one that the path begins in, or AT_FDCWD.
    package static func rename(
        _ from: String, in directory: Int32, toNew to: String, in newDirectory: Int32
    ) throws(SystemError) {
        try check(shim_rename_new(directory, from, newDirectory, to), "renameat2 \(to)")
    }

    /// Gives a file its length with the space behind it; fails with ENOSPC where there is none,
    /// with EOPNOTSUPP where the file system doesn't reserve space.
    package static func allocate(_ file: SharedFile, length: Int64) throws(SystemError) {
        try check(shim_allocate(file.descriptor, length), "fallocate")
    }
}
