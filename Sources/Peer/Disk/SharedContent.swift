import Reactor
import Wire

/// What is complete and shared: read-only, and served only as long as each file is what was hashed.
/// It has no descriptor of its own; the node's cache opens files when they are asked for.
final class SharedContent: Content {
    let layout: ContentLayout
    let path: String
    private let info: Info
    /// By the index of the file.
    private let identities: [Int: FileIdentity]
    private let edgesPath: String
    private let root: ShareRoot
    private let cache: FileCache
    private let id: UInt64

    /// - Parameter path: of the file or directory.
    /// - Parameter identities: of what was hashed, by the index of the file; pads have none, nor
    ///   have files that aren't here since they weren't wanted.
    /// - Parameter edgesPath: of what is here of those, all the same.
    init(
        _ info: Info, in root: ShareRoot, path: String, identities: [Int: FileIdentity],
        edgesPath: String, cache: FileCache
    ) {
        self.info = info
        self.root = root
        self.path = path
        self.identities = identities
        self.edgesPath = edgesPath
        self.cache = cache
        layout = ContentLayout(info, selection: Self.selection(info, identities))
        id = cache.newContent()
    }

    deinit { cache.remove(content: id) }

    /// The files that are here; nil where all are.
    static func selection(
        _ info: Info, _ identities: [Int: FileIdentity]
    ) -> FileSelection? {
        let isWhole = info.files.indices.allSatisfy {
            info.files[$0].isPad || identities[$0] != nil
        }
        return isWhole ? nil : FileSelection(identities.keys, of: info)
    }

    func path(of place: Place) -> String {
        switch place {
        case .file(let index) where info.isDirectory: path + "/" + info.files[index].joinedPath
        case .file, .pad: path
        case .edges: edgesPath
        }
    }

    func openFile(_ place: Place) -> SharedFile? {
        cache.cached(FileCache.Key(content: id, place: place))
    }

    func open(_ place: Place) throws(CommandError) -> SharedFile {
        try cache.file(FileCache.Key(content: id, place: place)) { () throws(CommandError) in
            let file: SharedFile
            switch place {
            case .file(let index) where info.isDirectory:
                let folder = try root.openFolder(path)
                file = try DiskFile.openForReading(info.files[index].joinedPath, in: folder, path)
            case .file: file = try root.openForReading(path)
            case .edges: file = try DiskFile.openForReading(edgesPath)
            case .pad: preconditionFailure("pads are kept nowhere")
            }
            guard isUnchanged(place, file) else { throw changed(place) }
            file.readsNothingAhead()
            return file
        }
    }

    func isUnchanged(_ place: Place, _ file: SharedFile) -> Bool {
        guard case .file(let index) = place else { return true }
        return DiskFile.identity(of: file) == identities[index]
    }

    /// Looks at every file; blocks. Throws what a person should know of the
    /// first that isn't what was hashed.
    static func check(
        _ info: Info, in root: ShareRoot, path: String, identities: [Int: FileIdentity]
    ) throws(CommandError) {
        let folder = info.isDirectory ? try root.openFolder(path) : nil
        for (index, file) in info.files.enumerated() {
            guard let identity = identities[index] else { continue }
            let found =
                if let folder {
                    try DiskFile.identityOfReadable(file.joinedPath, in: folder, path)
                } else {
                    try root.identityOfReadable(path)
                }
            guard found == identity else {
                let name = info.isDirectory ? path + "/" + file.joinedPath : path
                throw CommandError("\(name) changed since it was shared")
            }
        }
    }

    func changed(_ place: Place) -> CommandError {
        CommandError(
            "\(path(of: place)) changed after it was shared and is no longer served: share it again",
            .ioError)
    }
}
