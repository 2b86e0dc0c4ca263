import Reactor
import Wire

/// What is complete and shared: read-only, and served only as long as each file is what was hashed.
/// It has no descriptor of its own; the node's cache opens files when they are asked for.
final class SharedContent: Content {
    let layout: ContentLayout
    let path: String
    /// By the index of the file.
    private let identities: [Int: FileIdentity]
    private let cache: FileCache
    private let id: UInt64

    init(_ info: Info, path: String, identities: [Int: FileIdentity], cache: FileCache) {
        layout = ContentLayout(info)
        self.path = path
        self.identities = identities
        self.cache = cache
        id = cache.newContent()
    }

    deinit { cache.remove(content: id) }

    func path(of index: Int) -> String { path }

    func openFile(_ index: Int) -> SharedFile? {
        cache.cached(FileCache.Key(content: id, file: index))
    }

    func open(_ index: Int) throws(CommandError) -> SharedFile {
        try cache.file(FileCache.Key(content: id, file: index)) { () throws(CommandError) in
            let file = try DiskFile.openForReading(path(of: index))
            guard isUnchanged(index, file) else { throw Self.changed(path(of: index)) }
            return file
        }
    }

    func isUnchanged(_ index: Int, _ file: SharedFile) -> Bool {
        DiskFile.identity(of: file) == identities[index]
    }

    static func changed(_ path: String) -> CommandError {
        CommandError(
            "\(path) changed after it was shared and is no longer served: share it again",
            .ioError)
    }
}
