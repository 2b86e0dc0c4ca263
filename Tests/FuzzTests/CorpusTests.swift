import Foundation
import FuzzEntries
import Testing

/// The fuzzers' corpora once more, and each of their inputs cut short: none may trap.
@Suite struct CorpusTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fuzzing/Corpus")

    @Test(arguments: FuzzEntry.allCases)
    func `no input of the corpus traps`(entry: FuzzEntry) throws {
        let folder = Self.folder.appendingPathComponent(entry.rawValue)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(!names.isEmpty)
        for name in names {
            let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
            bytes.withUnsafeBytes { entry.run($0) }
            for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 64)) {
                bytes.withUnsafeBytes { entry.run(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            }
        }
    }
}
