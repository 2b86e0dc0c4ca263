import Glibc
import Wire

/// A download by a magnet link whose description isn't here yet.
struct PendingFetch: Codable, Sendable {
    /// The magnet link.
    let link: String
    /// Where the user wants the file: absolute, a folder or a new name.
    let destination: String
    let isSequential: Bool

    private enum CodingKeys: String, CodingKey {
        case link, destination
        case isSequential = "is_sequential"
    }
}

/// The records of downloads whose description is being fetched, so that they go on after the
/// program's death: a file each, named after the info-hash. Every call blocks for the disk.
struct FetchFolder: Sendable {
    let directory: String

    /// Records a fetch; one of the same info-hash is replaced.
    func save(_ fetch: PendingFetch, of infoHash: InfoHash) throws(CommandError) {
        mkdir(directory, 0o700)
        remove(infoHash)
        try MTorrentDisk.write(WireJSON.encode(fetch), to: path(of: infoHash), mode: 0o600)
    }

    func remove(_ infoHash: InfoHash) { unlink(path(of: infoHash)) }

    /// All that are recorded, by their info-hashes; what can't be understood is left out.
    func all() -> [PendingFetch] {
        guard let folder = try? DiskFile.openFolder(directory),
            let files = try? DirectoryWalk.files(below: folder, path: directory)
        else { return [] }
        return files.map { $0.path.joined(separator: "/") }.sorted().compactMap { name in
            guard let file = try? DiskFile.openForReading(directory + "/" + name),
                let size = DiskFile.identity(of: file)?.size,
                let bytes = try? DiskFile.contents(of: file, path: name, size: Int(size))
            else { return nil }
            return try? WireJSON.decode(PendingFetch.self, from: bytes)
        }
    }

    private func path(of infoHash: InfoHash) -> String { directory + "/" + infoHash.hex }
}
