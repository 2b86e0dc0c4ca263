import CEpollShim
import Foundation
import Testing

@testable import Reactor

/// A directory `inside` beside a file `outside`.
@Suite struct FolderTests {
    private let root: String
    private let folder: Folder

    init() throws {
        let base = FileManager.default.temporaryDirectory.path
        var template = Array("\(base)/mtorrent-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw SystemError(code: errno, operation: "mkdtemp")
        }
        root = String(cString: made)
        try FileManager.default.createDirectory(
            atPath: root + "/inside", withIntermediateDirectories: false)
        try Data("secret".utf8).write(to: URL(fileURLWithPath: root + "/outside"))
        folder = try Folder(path: root + "/inside")
    }

    private func cleanUp() { try? FileManager.default.removeItem(atPath: root) }

    private func refusal(_ path: String, flags: Int32 = O_RDONLY) -> Int32? {
        do throws(SystemError) {
            _ = try folder.open(path, flags: flags, mode: 0o600)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `files and directories below are made, opened and removed`() throws {
        defer { cleanUp() }
        try folder.makeFolder("a")
        try folder.makeFolder("a")
        try folder.folder("a").makeFolder("b")
        _ = try folder.open("a/b/file", flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        #expect(FileManager.default.fileExists(atPath: root + "/inside/a/b/file"))
        #expect(refusal("a/b/file", flags: O_RDWR | O_CREAT | O_EXCL) == EEXIST)
        _ = try folder.open("a/b/file", flags: O_RDONLY)
        try folder.remove("a/b/file")
        #expect(refusal("a/b/file") == ENOENT)
        try folder.remove("a/b", isFolder: true)
        #expect(!FileManager.default.fileExists(atPath: root + "/inside/a/b"))
    }

    @Test func `a file is moved to its place in another directory, never over anything`() throws {
        defer { cleanUp() }
        try FileManager.default.createDirectory(
            atPath: root + "/other", withIntermediateDirectories: false)
        let other = try Folder(path: root + "/other")
        for place in [folder, other] { try place.makeFolder("a") }
        _ = try folder.open("a/file", flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        let status = try folder.status(of: "a/file")
        try folder.move("a/file", to: other)
        #expect(try other.status(of: "a/file").st_ino == status.st_ino)
        #expect(refusal("a/file") == ENOENT)
        _ = try folder.open("a/file", flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        let error = #expect(throws: SystemError.self) { try folder.move("a/file", to: other) }
        #expect(error?.code == EEXIST)
        #expect(try other.status(of: "a/file").st_ino == status.st_ino)
        #expect(throws: SystemError.self) { try folder.status(of: "../outside") }
        let missing = #expect(throws: SystemError.self) { try folder.status(of: "b/file") }
        #expect(missing?.code == ENOENT)
    }

    @Test func `no path leads out`() throws {
        defer { cleanUp() }
        try folder.makeFolder("a")
        for path in ["../outside", "a/../../outside", root + "/outside", ".."] {
            #expect(refusal(path) == EXDEV, "\(path)")
            #expect(refusal(path, flags: O_RDWR | O_CREAT) != nil, "\(path)")
        }
        #expect(FileManager.default.contents(atPath: root + "/outside") == Data("secret".utf8))
    }

    @Test func `without openat2 the same is opened and the same refused`() throws {
        defer { cleanUp() }
        try folder.makeFolder("a")
        try folder.folder("a").makeFolder("b")
        _ = try folder.open("a/b/file", flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        for (link, target) in [("out", "../outside"), ("in", "a"), ("gone", "nowhere")] {
            symlink(target, root + "/inside/" + link)
        }
        let paths = [
            "a", "a/", "a//b/", "./a/./b/file", "a/b/file", "a/b/file/", "a/b/file/c", "a/none",
            "none/file", "", ".", "..", "../outside", "a/../../outside", root + "/outside", "out",
            "in", "in/", "in/b", "in/b/file", "gone", "gone/file",
            String(repeating: "n", count: 256), String(repeating: "n", count: 255),
        ]
        for path in paths {
            for flags in [O_RDONLY, O_RDONLY | O_DIRECTORY, O_RDWR, O_RDWR | O_CREAT | O_EXCL] {
                let one = shim_open_beneath(folder.descriptor, path, flags, 0o600)
                defer { if one >= 0 { close(one) } }
                // What was made is there for the second.
                if flags & O_CREAT != 0, one >= 0 { unlinkat(folder.descriptor, path, 0) }
                let two = shim_open_beneath_by_steps(folder.descriptor, path, flags, 0o600)
                defer { if two >= 0 { close(two) } }
                if flags & O_CREAT != 0, two >= 0 { unlinkat(folder.descriptor, path, 0) }
                #expect(one >= 0 ? two >= 0 : one == two, "\(path) \(flags): \(one) \(two)")
                guard one >= 0, two >= 0, flags & O_CREAT == 0 else { continue }
                #expect(try inode(one) == inode(two), "\(path)")
            }
        }
    }

    private func inode(_ descriptor: Int32) throws -> ino_t {
        var status = stat()
        try #require(fstat(descriptor, &status) == 0)
        return status.st_ino
    }

    @Test func `no symbolic link is followed, wherever it leads`() throws {
        defer { cleanUp() }
        let manager = FileManager.default
        try folder.makeFolder("a")
        _ = try folder.open("a/file", flags: O_RDWR | O_CREAT, mode: 0o600)
        try manager.createSymbolicLink(
            atPath: root + "/inside/out", withDestinationPath: root + "/outside")
        try manager.createSymbolicLink(
            atPath: root + "/inside/up", withDestinationPath: "..")
        try manager.createSymbolicLink(
            atPath: root + "/inside/in", withDestinationPath: "a")
        for path in ["out", "up/outside", "in/file"] {
            #expect(refusal(path) == ELOOP, "\(path)")
            #expect(refusal(path, flags: O_RDWR | O_CREAT) == ELOOP, "\(path)")
        }
        #expect(throws: SystemError.self) { try folder.remove("up/outside") }
        #expect(manager.fileExists(atPath: root + "/outside"))
    }

    @Test func `a directory that changes into a link meanwhile leads nowhere`() throws {
        defer { cleanUp() }
        try folder.makeFolder("a")
        let inner = try folder.folder("a")
        try FileManager.default.moveItem(atPath: root + "/inside/a", toPath: root + "/inside/b")
        try FileManager.default.createSymbolicLink(
            atPath: root + "/inside/a", withDestinationPath: root)
        #expect(refusal("a/outside") == ELOOP)
        _ = try inner.open("file", flags: O_RDWR | O_CREAT, mode: 0o600)
        #expect(FileManager.default.fileExists(atPath: root + "/inside/b/file"))
    }

    @Test func `renaming to a new name replaces nothing`() throws {
        defer { cleanUp() }
        _ = try folder.open("one", flags: O_RDWR | O_CREAT, mode: 0o600)
        let inside = root + "/inside"
        #expect(throws: SystemError(code: EEXIST, operation: "renameat2 \(root)/outside")) {
            try FileSystem.rename(
                inside + "/one", in: AT_FDCWD, toNew: root + "/outside", in: AT_FDCWD)
        }
        try FileSystem.rename("one", in: folder.descriptor, toNew: inside + "/two", in: AT_FDCWD)
        #expect(refusal("one") == ENOENT)
        #expect(refusal("two") == nil)
    }

    @Test func `a file gets its length with the space behind it`() throws {
        defer { cleanUp() }
        let file = try folder.open("file", flags: O_RDWR | O_CREAT, mode: 0o600)
        try FileSystem.allocate(file, length: 100_000)
        var status = stat()
        #expect(fstat(file.descriptor, &status) == 0)
        #expect(status.st_size == 100_000)
        #expect(status.st_blocks * 512 >= 100_000)
        try FileSystem.allocate(file, length: 10)
        #expect(fstat(file.descriptor, &status) == 0)
        #expect(status.st_size == 100_000)
    }
}
