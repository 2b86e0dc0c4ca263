import Glibc
import PeerCore
import Wire

/// Which files of a torrent a user wants, as patterns say it.
enum FilePatterns {
    /// The files whose path, or the path of a directory that they lie in, matches one of the
    /// patterns of fnmatch(3); `*` matches slashes too.
    /// - Returns: a bit for each of the info's `files`, pads never set; nil where there are no
    ///   patterns, or every file matches.
    static func files(
        matching patterns: [String], in info: Info
    ) throws(CommandError) -> Bitfield? {
        if patterns.isEmpty { return nil }
        var wanted = Bitfield(bitCount: info.files.count)
        for pattern in patterns {
            let found = info.files.indices.filter { index in
                !info.files[index].isPad && matches(pattern, info.files[index].path)
            }
            guard !found.isEmpty else {
                throw CommandError(
                    "'\(pattern)' matches no file of \(info.name): file_info lists them",
                    .notFound)
            }
            for index in found { wanted.insert(index) }
        }
        let count = info.files.count { !$0.isPad }
        return wanted.setCount == count ? nil : wanted
    }

    private static func matches(_ pattern: String, _ path: [String]) -> Bool {
        // A directory may be named with a slash at its end.
        let pattern =
            pattern.count > 1 && pattern.hasSuffix("/") ? String(pattern.dropLast()) : pattern
        return (1...path.count).contains { count in
            fnmatch(pattern, path.prefix(count).joined(separator: "/"), 0) == 0
        }
    }
}
