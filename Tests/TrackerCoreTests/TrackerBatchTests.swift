import Testing
import Wire

@testable import TrackerCore

@Suite struct TrackerBatchTests {
    private func batch() throws -> TrackerBatch {
        let session = try #require(SessionID((0..<32).map { UInt8($0) }))
        var batch = TrackerBatch()
        batch.presence = [
            .online(session), .holdsAll(hash("a"), user: 7), .offline(session),
            .holds(hash("b"), user: .max, bitfield: [1, 2, 3]),
        ]
        batch.swarms = [7, 8, 9]
        return batch
    }

    @Test func `a batch is read as it was written`() throws {
        let batch = try batch()
        #expect(TrackerBatch(decoding: batch.encoded) == batch)
        #expect(TrackerBatch(decoding: TrackerBatch().encoded) == TrackerBatch())
    }

    @Test func `the bytes are those of the protocol`() throws {
        let session = try #require(SessionID([UInt8](repeating: 9, count: 32)))
        var batch = TrackerBatch()
        batch.presence = [.offline(session)]
        #expect(batch.encoded == [1, 0, 0, 0, 1, 2] + [UInt8](repeating: 9, count: 32))
    }

    @Test func `what is cut off, or of another version, isn't taken`() throws {
        let bytes = try batch().encoded
        for count in 0..<(bytes.count - 3) {
            #expect(TrackerBatch(decoding: Array(bytes.prefix(count))) == nil)
        }
        #expect(TrackerBatch(decoding: [9] + bytes.dropFirst()) == nil)
    }

    @Test func `random bytes never trap`() {
        var random = SmallGenerator(seed: 1)
        for _ in 0..<20_000 {
            let count = Int(random.next() % 80)
            var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            if count > 6 { bytes.replaceSubrange(0..<5, with: [1, 0, 0, 0, UInt8(count % 4)]) }
            if count > 6 { bytes[5] %= 6 }
            if let batch = TrackerBatch(decoding: bytes) { #expect(batch.encoded == bytes) }
        }
    }
}
