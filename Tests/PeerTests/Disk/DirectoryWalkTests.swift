import Glibc
import Reactor
import Testing
import Wire

@testable import Peer

@Suite struct DirectoryWalkTests {
    private let folder = ScratchDirectory()

    private func walk(cancellation: Cancellation = Cancellation()) throws -> [DirectoryWalk.File] {
        try DirectoryWalk.files(
            below: Folder(path: folder.path), path: "root", cancellation: cancellation)
    }

    private func refusal() -> String {
        let error = #expect(throws: CommandError.self) { try walk() }
        #expect(error?.exitCode == .cannotOpenFile)
        return error?.message ?? ""
    }

    @Test func `files are found in the order of their paths' bytes, hidden ones too`() throws {
        let paths = ["a", "b-", "b/c", "b/.hidden", ".h", "B", "\u{e9}", "e\u{301}"]
        folder.make("b")
        for path in paths { folder.write([1, 2], to: path) }
        let files = try walk()
        let expected = paths.map { Array($0.utf8) }
            .sorted { $0.lexicographicallyPrecedes($1) }
        #expect(files.map { Array($0.path.joined(separator: "/").utf8) } == expected)
        #expect(files.allSatisfy { $0.identity.size == 2 })
        #expect(files[0].identity == DiskFile.identity(at: folder.file(".h")))
    }

    @Test func `directories alone are no files`() throws {
        folder.make("a/b/c")
        #expect(try walk().isEmpty)
    }

    @Test func `a symbolic link is refused by name, also a broken one and one to a directory`() {
        folder.make("d")
        folder.write([1], to: "f")
        for target in ["../f", "..", "nowhere"] {
            symlink(target, folder.file("d/l\n"))
            #expect(refusal().hasPrefix("root/d/l\n is a symbolic link: only regular files"))
            unlink(folder.file("d/l\n"))
        }
    }

    @Test func `a FIFO and a socket are refused and nobody waits for their other end`() {
        mkfifo(folder.file("p"), 0o600)
        #expect(refusal().hasPrefix("root/p is a FIFO"))
        unlink(folder.file("p"))
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) {
            $0.copyBytes(from: folder.file("s").utf8.prefix(100))
        }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        #expect(refusal().hasPrefix("root/s is a socket"))
    }

    @Test func `a name that isn't UTF-8 is refused`() {
        let name = Array(folder.path.utf8) + Array("/bad\u{0}".utf8)
        var bytes = name.map { CChar(bitPattern: $0) }
        bytes[bytes.count - 2] = CChar(bitPattern: 0xff)
        close(open(bytes, O_CREAT | O_WRONLY, 0o600))
        #expect(refusal().hasPrefix("root/ba\u{fffd}: the name is not UTF-8"))
    }

    @Test func `what lies too deep is refused`() {
        let deepest = [String](repeating: "d", count: Info.File.maxComponents)
            .joined(separator: "/")
        folder.make(deepest)
        #expect(throws: Never.self) { try walk() }
        folder.write([1], to: deepest + "/f")
        #expect(refusal().contains("d/f lies too deep"))
        unlink(folder.file(deepest + "/f"))
        let long = String(repeating: "n", count: 250)
        folder.make([String](repeating: long, count: 11).joined(separator: "/"))
        #expect(throws: Never.self) { try walk() }
        // The system takes no path of that length at once.
        let cwd = folder.file([String](repeating: long, count: 11).joined(separator: "/"))
        let parent = open(cwd, O_RDONLY | O_DIRECTORY)
        defer { close(parent) }
        #expect(mkdirat(parent, long, 0o700) == 0)
        let next = openat(parent, long, O_RDONLY | O_DIRECTORY)
        defer { close(next) }
        close(openat(next, long, O_CREAT | O_WRONLY, 0o600))
        #expect(refusal().contains("lies too deep"))
    }

    @Test func `an interrupt ends the walk`() {
        folder.write([1], to: "f")
        let cancellation = Cancellation()
        cancellation.cancel()
        #expect(throws: CommandError("interrupted", .interrupted)) {
            try walk(cancellation: cancellation)
        }
    }
}
