import Testing
import Wire

@Suite struct SHA1BatchTests {
    /// Messages of one length, each with other bytes.
    private func messages(_ count: Int, length: Int) -> [[UInt8]] {
        (0..<count).map { number in
            (0..<length).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7 &+ number) }
        }
    }

    private func hash(_ messages: [[UInt8]]) -> [SHA1Digest] {
        let buffers = messages.map { message in
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: message.count, alignment: 1)
            buffer.copyBytes(from: message)
            return UnsafeRawBufferPointer(buffer)
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        return SHA1Batch.hash(buffers)
    }

    /// Around the length at which the padding takes a block of its own, and of several blocks.
    @Test(arguments: [0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 16_384, 16_391])
    func `together gives what one after the other does`(length: Int) {
        for count in [1, 3, 4, 7, 8, 9, 10, 15, 16, 17, 32, 35] {
            let messages = messages(count, length: length)
            #expect(hash(messages) == messages.map { SHA1Hasher.hash($0) }, "\(count) messages")
        }
    }

    @Test func `the vectors of RFC 3174 come out in every lane`() {
        for lane in 0..<16 {
            var all = [[UInt8]](repeating: Array("xyz".utf8), count: 16)
            all[lane] = Array("abc".utf8)
            #expect(hash(all)[lane].hex == "a9993e364706816aba3e25717850c26c9cd0d89d")
        }
    }

    @Test func `no messages have no digests`() {
        #expect(SHA1Batch.hash([]).isEmpty)
        #expect(SHA1Batch.size >= 1)
    }
}
