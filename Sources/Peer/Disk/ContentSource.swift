import Glibc
import PeerCore
import Reactor
import Wire

/// What is to be shared, before it is hashed: a file, or the files of a directory in the order of
/// the piece space.
struct ContentSource: Sendable {
    private enum Place {
        case file(SharedFile)
        case directory(Folder)
    }

    /// Absolute.
    let path: String
    /// Pads included, without hashes.
    let files: [Info.File]
    /// What each file is now, by its index in `files`.
    let identities: [Int: FileIdentity]
    let pieceLength: Int
    private let place: Place

    var isDirectory: Bool {
        switch place {
        case .file: false
        case .directory: true
        }
    }

    /// Bytes, pads left out.
    var length: Int64 { files.reduce(0) { $1.isPad ? $0 : $0 + $1.length } }

    /// Looks at what a path names; of a directory at everything below it.
    /// - Parameter pieceLength: nil for one that fits the size.
    init(
        in root: ShareRoot, path: String, pieceLength: Int?, cancellation: Cancellation
    ) throws(CommandError) {
        if root.isDirectory(path) {
            try self.init(
                in: root, directory: path, pieceLength: pieceLength, cancellation: cancellation)
        } else {
            try self.init(in: root, file: path, pieceLength: pieceLength)
        }
    }

    private init(in root: ShareRoot, file path: String, pieceLength: Int?) throws(CommandError) {
        let file = try root.openForReading(path)
        guard let identity = DiskFile.identity(of: file) else {
            throw DiskFile.failure("measuring", path, errno)
        }
        self.path = path
        place = .file(file)
        files = [Info.File(path: [Path.name(of: path)], length: identity.size)]
        identities = [0: identity]
        self.pieceLength = pieceLength ?? Info.pieceLength(forFileOf: identity.size)
    }

    private init(
        in shareRoot: ShareRoot, directory: String, pieceLength: Int?, cancellation: Cancellation
    ) throws(CommandError) {
        let path = try Path.ofNamedDirectory(directory)
        let root: Folder
        do throws(SystemError) {
            root = try shareRoot.folder(path)
        } catch {
            throw shareRoot.failure(opening: path, error.code)
        }
        let found = try DirectoryWalk.files(below: root, path: path, cancellation: cancellation)
        guard !found.isEmpty else {
            throw CommandError(
                "\(path) has no files: an empty directory can't be shared", .cannotOpenFile)
        }
        let length = found.reduce(0) { $0 + $1.identity.size }
        let pieceLength = pieceLength ?? Info.pieceLength(forFileOf: length)
        // The walk's order is the layout's, so that the files are found again by their place.
        let layout = Info.layout(
            of: found.map { Info.File(path: $0.path, length: $0.identity.size) },
            pieceLength: pieceLength)
        let indices = layout.indices.filter { !layout[$0].isPad }
        self.path = path
        place = .directory(root)
        files = layout
        identities = Dictionary(
            uniqueKeysWithValues: zip(indices, found.lazy.map(\.identity)))
        self.pieceLength = pieceLength
    }

    /// Opens a file that isn't a pad, if it is still what it was.
    func open(_ index: Int) throws(CommandError) -> SharedFile {
        let file: SharedFile
        switch place {
        case .file(let opened): file = opened
        case .directory(let root):
            do throws(SystemError) {
                file = try root.open(files[index].joinedPath, flags: O_RDONLY | O_NONBLOCK)
            } catch {
                throw DirectoryWalk.failure(path(of: index), error.code)
            }
        }
        guard DiskFile.identity(of: file) == identities[index] else {
            throw DirectoryWalk.changed(path(of: index))
        }
        return file
    }

    /// Throws if a file isn't what it was.
    func requireUnchanged() throws(CommandError) {
        for index in files.indices where !files[index].isPad { _ = try open(index) }
    }

    /// The path of a file, for messages.
    func path(of index: Int) -> String {
        isDirectory ? "\(path)/\(files[index].joinedPath)" : path
    }
}
