import Glibc

/// Paths as users type them.
enum Path {
    /// The absolute form of a path, `~` and the working directory resolved; symbolic links and
    /// `..` are left as they are.
    static func absolute(_ path: String) -> String {
        if path == "~" || path.hasPrefix("~/"), let home = getenv("HOME") {
            return String(cString: home) + path.dropFirst()
        }
        guard !path.hasPrefix("/") else { return path }
        guard let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        let directory = String(cString: current)
        return directory == "/" ? "/" + path : directory + "/" + path
    }

    /// The absolute path of a directory with its own name as the last component: `photos/` is
    /// `…/photos`, and `.` what the working directory is called.
    static func ofNamedDirectory(_ path: String) throws(CommandError) -> String {
        var path = absolute(path)
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        if [".", ".."].contains(name(of: path)), let resolved = realpath(path, nil) {
            defer { free(resolved) }
            path = String(cString: resolved)
        }
        guard path != "/" else {
            throw CommandError(
                "the root directory has no name: name a directory inside it", .cannotOpenFile)
        }
        return path
    }

    /// The part before the last `/`.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The part after the last `/`.
    static func name(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }

    /// An empty path would mean the working directory, which nobody says by saying nothing.
    static func requireDestination(_ path: String) throws(CommandError) {
        guard path.isEmpty else { return }
        throw CommandError("a destination is missing: name a folder or a new file", .usage)
    }

    /// Where a download of `name` goes when the user says `destination`: into it where it is a
    /// directory or ends in a slash, else exactly there.
    static func destination(
        _ destination: String, name: String, in root: ShareRoot
    ) -> String {
        let path = absolute(destination)
        if path.hasSuffix("/") { return path + name }
        return root.isDirectory(path) ? path + "/" + name : path
    }
}
