import Glibc
import Wire

/// Downloads that add files to a directory that is at the destination already.
extension DownloadTarget {
    /// The target as the disk has it now; blocks.
    struct Settled {
        var target: DownloadTarget
        /// Files that were moved to their places just before the program died.
        var moved: [Int] = []
    }

    /// Looks at what is at the destination. What is in place has to be what it was; if it is gone
    /// it is fetched again. Everything else is in the way.
    /// - Parameter resume: what is recorded of the download.
    func settled(_ resume: Resume?) throws(CommandError) -> Settled {
        var settled = Settled(target: self)
        guard root.exists(destination) else {
            settled.target.inPlace = [:]
            return settled
        }
        guard !inPlace.isEmpty else { throw Self.isInTheWay(destination) }
        settled.target.joinsDestination = true
        let folder = try root.openFolder(destination)
        for (index, identity) in inPlace {
            let found = try DiskFile.identityIfAny(
                of: info.files[index].joinedPath, in: folder, destination)
            guard found == nil || found == identity else {
                throw CommandError(
                    "\(finalPath(of: index)) changed after it was downloaded: restore it, or"
                        + " remove it and it is fetched again", .fileExists)
            }
            if found == nil { settled.target.inPlace[index] = nil }
        }
        for index in settled.target.storedFiles {
            let found = try DiskFile.identityIfAny(
                of: info.files[index].joinedPath, in: folder, destination)
            guard let found else { continue }
            guard found.size == info.files[index].length, wasMoved(index, resume) else {
                throw Self.isInTheWay(finalPath(of: index))
            }
            settled.target.inPlace[index] = found
            settled.moved.append(index)
        }
        return settled
    }

    /// Whether a file can have left the partial directory, which goes with the last, for its
    /// place, as far as records tell.
    private func wasMoved(_ index: Int, _ resume: Resume?) -> Bool {
        guard let resume, !root.exists(path(ofPart: index)) else { return false }
        if let part = root.identity(at: partPath) {
            guard part.device == resume.device, part.inode == resume.inode else { return false }
        }
        return pieces(of: index).allSatisfy { resume.marks[$0] != .missing }
    }

    /// The pieces that a file has bytes of.
    func pieces(of index: Int) -> Range<Int> {
        let file = info.files[index]
        return file.length > 0 ? info.pieces(of: file.range) : 0..<0
    }

    static func isInTheWay(_ path: String) -> CommandError {
        CommandError("\(path) exists already: remove it or name another destination", .fileExists)
    }
}
