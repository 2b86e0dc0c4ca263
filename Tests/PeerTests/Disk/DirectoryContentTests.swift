import Foundation
import PeerCore
import Testing
import Wire

@testable import Peer

/// A directory of files small and large, with an empty one, one in a directory of its own, and a
/// pad before the one that is longer than a piece.
@Suite struct DirectoryContentTests {
    private static let pieceLength = 1000
    let folder = ScratchDirectory()
    let info: Info
    /// The piece space.
    let bytes: [UInt8]

    init() throws {
        let lengths: KeyValuePairs<String, Int64> = [
            "a.txt": 300, "b/c/deep": 2500, "b/empty": 0, "b/x": 150, "z": 90,
        ]
        let layout = Info.layout(
            of: lengths.map { path, length in
                Info.File(path: path.split(separator: "/").map(String.init), length: length)
            }, pieceLength: Self.pieceLength)
        var bytes: [UInt8] = []
        let files = layout.map { file in
            let content: [UInt8] = (0..<file.length).map {
                file.isPad ? 0 : UInt8(truncatingIfNeeded: $0 &* 7 &+ file.offset)
            }
            bytes += content
            return Info.File(
                path: file.path, length: file.length, offset: file.offset, isPad: file.isPad,
                sha1: file.isPad ? nil : SHA1Hasher.hash(content))
        }
        self.bytes = bytes
        info = try Info(
            name: "d", files: files, pieceLength: Self.pieceLength,
            pieces: stride(from: 0, to: bytes.count, by: Self.pieceLength).flatMap {
                SHA1Hasher.hash([UInt8](bytes[$0..<min($0 + Self.pieceLength, bytes.count)])).bytes
            }, isPrivate: true, source: "network/group")
    }

    func selection(_ names: String...) -> FileSelection {
        FileSelection(
            info.files.indices.filter { names.contains(info.files[$0].joinedPath) }, of: info)
    }

    func target(
        _ selection: FileSelection? = nil, inPlace: [Int: FileIdentity] = [:]
    ) -> DownloadTarget {
        DownloadTarget(
            info: info, root: .anywhere, selection: selection, destination: folder.file("d"),
            edgesPath: folder.file("edges/x"), inPlace: inPlace)
    }

    func open(
        _ selection: FileSelection? = nil, inPlace: [Int: FileIdentity] = [:]
    ) throws -> (content: DownloadContent, verified: Bitfield) {
        try DownloadContent.open(
            target(selection, inPlace: inPlace),
            records: ResumeFolder(directory: folder.file("resume"), bootID: "boot"),
            cache: FileCache(limit: 2))
    }

    func write(_ pieces: some Sequence<Int>, to content: DownloadContent) throws {
        for piece in pieces {
            let range = info.range(ofPiece: piece)
            try [UInt8](bytes[Int(range.lowerBound)..<Int(range.upperBound)]).withUnsafeBytes {
                try content.write($0, at: range.lowerBound)
            }
        }
    }

    func isFull(_ name: String, under root: String) -> Bool {
        guard let file = info.files.first(where: { $0.joinedPath == name }) else { return false }
        let range = Int(file.offset)..<Int(file.range.upperBound)
        return folder.contents(of: root + "/" + name) == [UInt8](bytes[range])
    }

    @Test func `a new download has every file in its full length, pads apart`() throws {
        let (_, verified) = try open()
        #expect(verified.isEmpty)
        #expect(folder.contents(of: "d.part/a.txt")?.count == 300)
        #expect(folder.contents(of: "d.part/b/c/deep")?.count == 2500)
        #expect(folder.contents(of: "d.part/b/empty")?.count == 0)
        #expect(!folder.exists("d.part/.pad"))
        #expect(!folder.exists("d"))
    }

    @Test func `what is written comes back, and finishing puts the directory in place`() throws {
        let (content, _) = try open()
        try write(0..<info.pieceCount, to: content)
        #expect(try content.digest(of: 0..<info.length) == SHA1Hasher.hash(bytes))
        let identities = try content.finish()
        for file in info.files where !file.isPad {
            #expect(isFull(file.joinedPath, under: "d"), "\(file.joinedPath)")
        }
        #expect(!folder.exists("d.part"))
        #expect(identities.count == 5)
        let shared = content.finished(identities)
        #expect(try shared.digest(of: 0..<info.length) == SHA1Hasher.hash(bytes))
        try SharedContent.check(info, in: .anywhere, path: folder.file("d"), identities: identities)
    }

    @Test func `recorded pieces are trusted, those of a lost file are not`() throws {
        let (content, _) = try open()
        try write(0..<info.pieceCount, to: content)
        for piece in 0...3 { try content.record.note(piece, .verified) }
        #expect(try Array(open().verified.members) == [0, 1, 2, 3])
        try FileManager.default.removeItem(atPath: folder.file("d.part/b/x"))
        #expect(try Array(open().verified.members) == [0, 1, 2])
        #expect(folder.contents(of: "d.part/b/x")?.count == 150)
    }

    @Test func `without a record everything is hashed`() throws {
        let (content, _) = try open()
        try write([1, 3], to: content)
        try FileManager.default.removeItem(atPath: folder.file("resume"))
        #expect(try Array(open().verified.members) == [1, 3])
    }

    @Test func `what is in the way is refused and left alone`() throws {
        folder.write([1], to: "d.part")
        #expect(throws: CommandError.self) { try open() }
        #expect(folder.contents(of: "d.part") == [1])
        try FileManager.default.removeItem(atPath: folder.file("d.part"))
        try FileManager.default.createDirectory(
            atPath: folder.file("d.part"), withIntermediateDirectories: false)
        folder.write([1, 2], to: "d.part/z")
        let error = #expect(throws: CommandError.self) { try open() }
        #expect(error?.message.contains("d.part/z") == true)
        #expect(folder.contents(of: "d.part/z") == [1, 2])
    }

    @Test func `a link in the partial directory is not followed`() throws {
        let manager = FileManager.default
        try manager.createDirectory(
            atPath: folder.file("d.part"), withIntermediateDirectories: false)
        try manager.createDirectory(
            atPath: folder.file("elsewhere"), withIntermediateDirectories: false)
        try manager.createSymbolicLink(
            atPath: folder.file("d.part/b"), withDestinationPath: folder.file("elsewhere"))
        #expect(throws: CommandError.self) { try open() }
        #expect(try manager.contentsOfDirectory(atPath: folder.file("elsewhere")).isEmpty)
    }

    @Test func `only wanted files are made, what their pieces have of others is kept apart`() throws
    {
        let selection = selection("b/x")
        #expect(Array(selection.pieces(of: info).members) == [3])
        #expect(selection.contentLength(of: info) == 150)
        let (content, verified) = try open(selection)
        #expect(verified.isEmpty)
        try write([3], to: content)
        #expect(try content.digest(of: info.range(ofPiece: 3)) == info.pieceHash(3))
        let identities = try content.finish()
        #expect(isFull("b/x", under: "d"))
        #expect(!folder.exists("d/z") && !folder.exists("d/a.txt") && !folder.exists("d/b/c"))
        #expect(folder.exists("edges/x"))
        #expect(SharedContent.selection(info, identities) == selection)
        let shared = content.finished(identities)
        #expect(try shared.digest(of: info.range(ofPiece: 3)) == info.pieceHash(3))
    }

    @Test func `a record is worth nothing where the edges are lost`() throws {
        let selection = selection("b/c/deep")
        let (content, _) = try open(selection)
        try write([1, 2, 3], to: content)
        for piece in 1...3 { try content.record.note(piece, .verified) }
        #expect(try Array(open(selection).verified.members) == [1, 2, 3])
        try FileManager.default.removeItem(atPath: folder.file("edges/x"))
        #expect(try Array(open(selection).verified.members) == [1, 2])
    }

    @Test func `bytes of wanted files are counted, pads and others are not`() throws {
        let all = ContentLayout(info)
        #expect(all.contentLength(of: 0..<info.length) == info.contentLength)
        #expect(all.contentLength(of: 0..<1000) == 300)
        let some = ContentLayout(info, selection: selection("a.txt", "z"))
        #expect(some.contentLength(of: 0..<info.length) == 390)
    }

    @Test func `a file that changed is not opened, and named`() throws {
        let (content, _) = try open()
        try write(0..<info.pieceCount, to: content)
        let identities = try content.finish()
        let shared = content.finished(identities)
        folder.write([1, 2, 3], to: "d/z")
        let index = try #require(info.files.firstIndex { $0.joinedPath == "z" })
        let error = #expect(throws: CommandError.self) { try shared.open(.file(index)) }
        #expect(error?.message.contains(folder.file("d/z")) == true)
        #expect(throws: CommandError.self) {
            try SharedContent.check(
                info, in: .anywhere, path: folder.file("d"), identities: identities)
        }
        #expect(throws: Never.self) { try shared.open(.file(0)) }
    }

    @Test func `removing what was begun leaves strangers alone`() throws {
        let (content, _) = try open(selection("b/x"))
        try write([3], to: content)
        folder.write([5], to: "d.part/b/mine")
        #expect(throws: CommandError.self) { try target(selection("b/x")).removePart() }
        #expect(folder.contents(of: "d.part/b/mine") == [5])
        #expect(!folder.exists("d.part/b/x") && !folder.exists("edges/x"))
        try FileManager.default.removeItem(atPath: folder.file("d.part/b/mine"))
        try target(selection("b/x")).removePart()
        #expect(!folder.exists("d.part"))
        try target(selection("b/x")).removePart()
    }

    @Test func `a partial directory that was moved away is noticed`() throws {
        let (content, _) = try open()
        try write([0], to: content)
        try content.sync()
        try FileManager.default.moveItem(
            atPath: folder.file("d.part"), toPath: folder.file("moved"))
        try write([1], to: content)
        let error = #expect(throws: CommandError.self) { try content.sync() }
        #expect(error?.message.contains("d.part") == true)
    }
}
