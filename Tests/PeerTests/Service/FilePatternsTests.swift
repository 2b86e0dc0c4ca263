import PeerCore
import Testing
import Wire

@testable import Peer

@Suite struct FilePatternsTests {
    private static let sizes: [(path: String, length: Int64)] = [
        (".hidden", 10), ("a.jpg", 30), ("b.txt", 250), ("sub/a.jpg", 60), ("sub/deep/x.jpg", 0),
        ("sub/deep/\u{e9}.txt", 5), ("sub2/c", 120),
    ]

    private static let info: Info = {
        let files = sizes.map { path, length in
            Info.File(path: path.split(separator: "/").map(String.init), length: length)
        }
        return try! Info(
            name: "photos", files: Info.layout(of: files, pieceLength: 100), pieceLength: 100,
            pieces: [UInt8](repeating: 0, count: 140), isPrivate: true, source: nil)
    }()

    private func selected(_ patterns: String...) throws -> [String]? {
        try FilePatterns.files(matching: patterns, in: Self.info).map { wanted in
            wanted.members.map { Self.info.files[$0].joinedPath }
        }
    }

    @Test(arguments: [
        (["a.jpg"], ["a.jpg"]),
        (["*.jpg"], ["a.jpg", "sub/a.jpg", "sub/deep/x.jpg"]),
        (["sub/*.jpg"], ["sub/a.jpg", "sub/deep/x.jpg"]),
        (["sub"], ["sub/a.jpg", "sub/deep/x.jpg", "sub/deep/\u{e9}.txt"]),
        (["sub/"], ["sub/a.jpg", "sub/deep/x.jpg", "sub/deep/\u{e9}.txt"]),
        (["sub/deep", "b.*"], ["b.txt", "sub/deep/x.jpg", "sub/deep/\u{e9}.txt"]),
        (["sub/de?p"], ["sub/deep/x.jpg", "sub/deep/\u{e9}.txt"]),
        (["*\u{e9}.txt"], ["sub/deep/\u{e9}.txt"]),
        (["[ab].*"], ["a.jpg", "b.txt"]),
        ([".h*"], [".hidden"]),
        (["*hidden"], [".hidden"]),
    ])
    func `a pattern selects files by path and all below a directory`(
        patterns: [String], paths: [String]
    ) throws {
        let wanted = try FilePatterns.files(matching: patterns, in: Self.info)
        #expect(wanted?.members.map { Self.info.files[$0].joinedPath } == paths)
    }

    @Test func `no pattern and a pattern for everything want everything`() throws {
        #expect(try selected() == nil)
        #expect(try selected("*") == nil)
        #expect(try selected("sub*", "*.txt", "a.jpg", ".hidden") == nil)
    }

    @Test(arguments: ["nothing", ".pad/*", "deep", "SUB", "photos/a.jpg", ""])
    func `a pattern without a match is named`(pattern: String) throws {
        let error = #expect(throws: CommandError.self) { try selected("a.jpg", pattern) }
        #expect(error?.message == "'\(pattern)' matches no file of photos: file_info lists them")
        #expect(error?.exitCode == .notFound)
    }
}
