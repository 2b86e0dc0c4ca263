import Foundation
import PeerCore
import Testing
import Wire

@testable import Peer

/// What is shared and downloaded below a share root, and what doesn't get out of it.
@Suite struct ShareRootTests {
    private let folder = ScratchDirectory()
    private let secret: [UInt8] = Array("a secret".utf8)
    private let bytes = [UInt8](repeating: 7, count: 40_000)

    private func root() throws -> ShareRoot {
        folder.make("root/sub")
        folder.make("outside")
        folder.write(secret, to: "outside/secret")
        return try ShareRoot(.directory(folder.file("root")), port: 1)
    }

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.file(name), withDestinationPath: folder.file(target))
    }

    private func refusal(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    private func info(name: String = "f") throws -> Info {
        let length = 16_384
        return try Info(
            name: name, length: Int64(bytes.count), pieceLength: length,
            pieces: stride(from: 0, to: bytes.count, by: length).flatMap {
                SHA1Hasher.hash([UInt8](bytes[$0..<min($0 + length, bytes.count)])).bytes
            }, isPrivate: true, sha1: SHA1Hasher.hash(bytes), source: "network/group")
    }

    private func open(_ root: ShareRoot, to destination: String) throws -> DownloadContent {
        let target = DownloadTarget(
            info: try info(), root: root, selection: nil, destination: destination,
            edgesPath: folder.file("edges"))
        return try DownloadContent.open(
            target, records: ResumeFolder(directory: folder.file("resume"), bootID: "boot"),
            cache: FileCache()
        ).content
    }

    /// All of the download, but for its end.
    private func fill(_ content: DownloadContent) throws {
        try bytes.withUnsafeBytes { try content.write($0, at: 0) }
        for piece in 0..<content.info.pieceCount { try content.record.note(piece, .verified) }
    }

    @Test func `only what lies below the root is shared`() throws {
        let root = try root()
        folder.write(bytes, to: "root/sub/f")
        try link("root/out", to: "outside/secret")
        try link("root/door", to: "outside")
        try link("root/near", to: "root/sub")
        func share(_ path: String) throws {
            _ = try HashedContent(
                in: root, path: folder.file(path), cancellation: Cancellation()
            ) { _ in }
        }
        try share("root/sub/f")
        try share("root/sub/../sub/./f")
        try share("root/sub")
        for path in ["outside/secret", "root/../outside/secret", "root/sub/../../outside", "roots"]
        {
            let refusal = refusal { try share(path) }
            #expect(refusal.contains("outside of the share root"), "\(path): \(refusal)")
            #expect(refusal.contains(path) && refusal.contains("--share-root"), "\(refusal)")
        }
        for path in ["root/out", "root/door", "root/door/secret", "root/near", "root/near/f"] {
            let refusal = refusal { try share(path) }
            #expect(refusal.contains("symbolic link"), "\(path): \(refusal)")
        }
    }

    @Test func `a root that is named by a link takes paths by either name`() throws {
        _ = try root()
        try link("named", to: "root")
        folder.write(bytes, to: "root/f")
        let root = try ShareRoot(.directory(folder.file("named")), port: 1)
        #expect(root.exists(folder.file("named/f")))
        #expect(root.exists(folder.file("root/f")))
        #expect(!root.exists(folder.file("outside/secret")))
        let refusal = refusal { _ = try ShareRoot(.directory(folder.file("none")), port: 1) }
        #expect(refusal.contains(folder.file("none")) && refusal.contains("--share-root"))
    }

    @Test func `downloads land below the root only`() throws {
        let root = try root()
        try link("root/door", to: "outside")
        let outside = ["outside/f", "root/../outside/f", "root/door/f", "root/door", "root"]
        for destination in outside {
            let refusal = refusal { _ = try open(root, to: folder.file(destination)) }
            #expect(!refusal.isEmpty, "\(destination)")
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.file("outside"))
                == ["secret"])
        #expect(!folder.exists("root.part"))
        let content = try open(root, to: folder.file("root/sub/f"))
        try fill(content)
        _ = try content.finish()
        #expect(folder.contents(of: "root/sub/f") == bytes)
    }

    @Test func `a link that takes a directory's place during a download leads nowhere`() throws {
        let root = try root()
        let content = try open(root, to: folder.file("root/sub/f"))
        try fill(content)
        try FileManager.default.moveItem(
            atPath: folder.file("root/sub"), toPath: folder.file("root/was"))
        try link("root/sub", to: "outside")
        // As a stranger would have it: a file that seems to be the download's.
        folder.write(bytes, to: "outside/f.part")
        #expect(!refusal { _ = try content.finish() }.isEmpty)
        #expect(folder.contents(of: "outside/f.part") == bytes)
        #expect(!folder.exists("outside/f"))
        _ = refusal { try content.target.removePart() }
        #expect(folder.exists("outside/f.part"))
    }

    @Test func `while links come and go nothing outside is read or made`() throws {
        let root = try root()
        folder.write(bytes, to: "root/sub/secret")
        let ends = Cancellation()
        let hasEnded = DispatchSemaphore(value: 0)
        let (sub, hidden, outside) = (
            folder.file("root/sub"), folder.file("root/hidden"), folder.file("outside")
        )
        let swapper = Thread {
            while !ends.isCancelled {
                rename(sub, hidden)
                symlink(outside, sub)
                unlink(sub)
                rename(hidden, sub)
            }
            hasEnded.signal()
        }
        swapper.start()
        for _ in 0..<5_000 {
            let path = sub + "/secret"
            if let file = try? root.openForReading(path) {
                let size = try #require(DiskFile.identity(of: file)).size
                #expect(size == Int64(bytes.count))
            }
            if let (_, isNew) = try? root.openForWriting(sub + "/new"), isNew {
                try? root.remove(sub + "/new")
            }
        }
        ends.cancel()
        hasEnded.wait()
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == ["secret"])
        #expect(folder.contents(of: "outside/secret") == secret)
    }

    @Test func `what another root doesn't hold is not shared again`() throws {
        let root = try root()
        folder.write(bytes, to: "root/sub/f")
        let path = folder.file("root/sub/f")
        let identity = try #require(root.identity(at: path))
        let info = try info()
        try SharedContent.check(info, in: root, path: path, identities: [0: identity])
        folder.make("other")
        let other = try ShareRoot(.directory(folder.file("other")), port: 1)
        let refusal = refusal {
            try SharedContent.check(info, in: other, path: path, identities: [0: identity])
        }
        #expect(refusal.contains(path) && refusal.contains("outside of the share root"))
        #expect(refusal.contains("other"))
    }

    @Test func `a torrent's name is one name below the root`() throws {
        for name in ["..", ".", "", "a/b", "/etc/passwd", "../x", "a\0b"] {
            #expect(throws: (any Error).self, "\(name)") { _ = try info(name: name) }
        }
    }
}
