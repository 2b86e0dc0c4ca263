import Testing

@testable import Peer

@Suite struct BlockWriterTests {
    @Test func `neighbours in the file are written together, others wait`() throws {
        let folder = ScratchDirectory()
        let path = folder.write([UInt8](repeating: 0, count: 10), to: "f")
        let (file, isNew) = try DiskFile.openForWriting(path)
        #expect(!isNew)
        var writer = BlockWriter()
        let received: [UInt8] = [0xff, 1, 2, 0xff, 3, 4, 0xff, 5]
        received.withUnsafeBytes { bytes in
            func append(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Bool {
                writer.append(bytes, at: offset)
            }
            func flush() -> Int32? { writer.flush(to: file) }
            func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[range])
            }
            #expect(append(part(1..<3), at: 2) == true)
            #expect(append(part(4..<6), at: 4) == true)
            #expect(append(part(7..<8), at: 9) == false)
            #expect(flush() == nil)
            #expect(writer.isEmpty)
            #expect(append(part(7..<8), at: 9) == true)
            #expect(flush() == nil)
        }
        #expect(folder.contents(of: "f") == [0, 0, 1, 2, 3, 4, 0, 0, 0, 5])
    }

    @Test func `a failed write gives its error number`() throws {
        let folder = ScratchDirectory()
        let path = folder.write([0], to: "f")
        let file = try DiskFile.openForReading(path)
        var writer = BlockWriter()
        let bytes: [UInt8] = [1]
        bytes.withUnsafeBytes {
            let isTaken = writer.append($0, at: 0)
            #expect(isTaken)
            // EBADF: it was opened for reading only.
            let code = writer.flush(to: file)
            #expect(code == 9)
        }
    }
}
