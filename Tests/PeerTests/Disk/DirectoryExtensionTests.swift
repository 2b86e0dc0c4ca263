import Foundation
import PeerCore
import Testing
import Wire

@testable import Peer

/// More files of a directory than were wanted at first. The end of `b/c/deep`, `b/x` and `z` share
/// piece 3.
extension DirectoryContentTests {
    /// The identities of what is in place once `names` are downloaded.
    private func downloaded(_ names: String...) throws -> [Int: FileIdentity] {
        let wanted = FileSelection(
            info.files.indices.filter { names.contains(info.files[$0].joinedPath) }, of: info)
        let (content, _) = try open(wanted)
        try write(wanted.pieces(of: info).members, to: content)
        return try content.finish()
    }

    private func move(_ from: String, to: String) throws {
        try FileManager.default.moveItem(atPath: folder.file(from), toPath: folder.file(to))
    }

    @Test func `more files join those that are in place, which aren't touched`() throws {
        let first = try downloaded("b/x")
        let more = selection("b/x", "z")
        let (content, verified) = try open(more, inPlace: first)
        // The edges had all of it.
        #expect(Array(verified.members) == [3])
        #expect(isFull("b/x", under: "d") && !folder.exists("d.part/b/x"))
        #expect(isFull("z", under: "d.part") && !folder.exists("d/z"))
        let identities = try content.finish()
        #expect(isFull("z", under: "d") && identities.count == 2)
        for (index, identity) in first { #expect(identities[index] == identity) }
        #expect(!folder.exists("d.part") && folder.exists("edges/x"))
        let shared = content.finished(identities)
        #expect(try shared.digest(of: info.range(ofPiece: 3)) == info.pieceHash(3))
    }

    @Test func `the rest of a directory makes it whole`() throws {
        let first = try downloaded("b/x")
        let (content, verified) = try open(nil, inPlace: first)
        #expect(Array(verified.members) == [3])
        try write(0..<3, to: content)
        let identities = try content.finish()
        #expect(SharedContent.selection(info, identities) == nil)
        for file in info.files where !file.isPad {
            #expect(isFull(file.joinedPath, under: "d"), "\(file.joinedPath)")
        }
        #expect(!folder.exists("d.part"))
        #expect(
            try content.finished(identities).digest(of: 0..<info.length) == SHA1Hasher.hash(bytes))
    }

    @Test func `a piece whose edges are lost is fetched again, but not into what is in place`()
        throws
    {
        let first = try downloaded("b/x")
        try FileManager.default.removeItem(atPath: folder.file("edges/x"))
        let (content, verified) = try open(selection("b/x", "z"), inPlace: first)
        #expect(verified.isEmpty)
        try write([3], to: content)
        #expect(try content.digest(of: info.range(ofPiece: 3)) == info.pieceHash(3))
        #expect(try content.finish().filter { first[$0.key] != nil } == first)
    }

    @Test func `files wanted while others arrive get what the edges have of them`() throws {
        let (content, _) = try open(selection("b/c/deep"))
        try write(1...3, to: content)
        for piece in 1...3 { try content.record.note(piece, .verified) }
        let (more, verified) = try open(selection("b/c/deep", "b/x", "a.txt"))
        #expect(Array(verified.members) == [1, 2, 3])
        #expect(isFull("b/x", under: "d.part") && !isFull("a.txt", under: "d.part"))
        try write([0], to: more)
        #expect(try more.finish().count == 3)
    }

    @Test func `files that aren't wanted any more don't stay in the partial directory`() throws {
        let (content, _) = try open()
        try write(0..<info.pieceCount, to: content)
        for piece in 0..<info.pieceCount { try content.record.note(piece, .verified) }
        let (less, verified) = try open(selection("b/x", "a.txt"))
        // What piece 3 had of other files is gone with them.
        #expect(Array(verified.members) == [0])
        #expect(!folder.exists("d.part/z") && !folder.exists("d.part/b/c"))
        try write([3], to: less)
        #expect(try less.finish().count == 2)
        #expect(isFull("b/x", under: "d") && !folder.exists("d/z"))
    }

    @Test func `files that were moved before the program died are found in their places`() throws {
        let first = try downloaded("b/x")
        let (content, _) = try open(nil, inPlace: first)
        try write(0..<3, to: content)
        for piece in 0..<3 { try content.record.note(piece, .verified) }
        try move("d.part/a.txt", to: "d/a.txt")
        try move("d.part/b/empty", to: "d/b/empty")
        let (again, verified) = try open(nil, inPlace: first)
        #expect(verified.setCount == info.pieceCount)
        #expect(try again.finish().count == 5)
        #expect(isFull("a.txt", under: "d") && isFull("b/c/deep", under: "d"))
        // Before the end was recorded.
        #expect(!folder.exists("d.part"))
        let (last, all) = try open(nil, inPlace: first)
        #expect(all.setCount == info.pieceCount)
        #expect(try last.finish().count == 5)
    }

    @Test func `what isn't the download's is in the way, and left alone`() throws {
        let first = try downloaded("b/x")
        folder.write([7], to: "d/z")
        let more = selection("b/x", "z")
        let error = #expect(throws: CommandError.self) { try open(more, inPlace: first) }
        #expect(error?.message.contains("d/z exists already") == true)
        #expect(folder.contents(of: "d/z") == [7] && !folder.exists("d.part"))
        // Of the right length, and all is recorded as fetched: the hash tells.
        try FileManager.default.removeItem(atPath: folder.file("d/z"))
        let (content, _) = try open(more, inPlace: first)
        #expect(isFull("z", under: "d.part"))
        try FileManager.default.removeItem(atPath: folder.file("d.part/z"))
        folder.write([UInt8](repeating: 1, count: 90), to: "d/z")
        #expect(throws: CommandError.self) { try open(more, inPlace: first) }
        #expect(folder.contents(of: "d/z") == [UInt8](repeating: 1, count: 90))
        withExtendedLifetime(content) {}
    }

    @Test func `what is in place must be what it was, or be gone`() throws {
        let first = try downloaded("b/x")
        let more = selection("b/x", "z")
        try move("d/b/x", to: "kept")
        let (content, verified) = try open(more, inPlace: first)
        #expect(verified.isEmpty)
        try write([3], to: content)
        _ = try content.finish()
        #expect(isFull("b/x", under: "d") && isFull("z", under: "d"))
        folder.write([1], to: "d/b/x")
        let error = #expect(throws: CommandError.self) {
            try open(selection("b/x", "z", "a.txt"), inPlace: first)
        }
        #expect(error?.message.contains("d/b/x changed") == true)
    }

    @Test func `where the directory is gone all of it is fetched`() throws {
        let first = try downloaded("b/x")
        try FileManager.default.removeItem(atPath: folder.file("d"))
        let (content, verified) = try open(selection("b/x", "z"), inPlace: first)
        // The edges had z, and nothing has x.
        #expect(verified.isEmpty)
        try write([3], to: content)
        #expect(try content.finish().count == 2)
        #expect(isFull("b/x", under: "d") && isFull("z", under: "d"))
    }

    @Test func `what was begun of more files is removed without what is in place`() throws {
        let first = try downloaded("b/x")
        let more = selection("b/x", "z")
        _ = try open(more, inPlace: first)
        try target(more, inPlace: first).removePart()
        #expect(!folder.exists("d.part") && isFull("b/x", under: "d") && folder.exists("edges/x"))
    }
}
