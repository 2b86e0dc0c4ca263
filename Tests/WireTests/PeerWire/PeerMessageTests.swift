import Testing

@testable import Wire

struct PeerMessageTests {
    private static let block = BlockRequest(piece: 1, begin: 0x4000, length: 0x0203)

    @Test(
        arguments: [
            (PeerMessage.keepAlive, [0, 0, 0, 0]),
            (.choke, [0, 0, 0, 1, 0]),
            (.unchoke, [0, 0, 0, 1, 1]),
            (.interested, [0, 0, 0, 1, 2]),
            (.notInterested, [0, 0, 0, 1, 3]),
            (.have(0x0102_0304), [0, 0, 0, 5, 4, 1, 2, 3, 4]),
            (.bitfield([0xf0, 0x80]), [0, 0, 0, 3, 5, 0xf0, 0x80]),
            (.request(block), [0, 0, 0, 13, 6, 0, 0, 0, 1, 0, 0, 0x40, 0, 0, 0, 2, 3]),
            (.cancel(block), [0, 0, 0, 13, 8, 0, 0, 0, 1, 0, 0, 0x40, 0, 0, 0, 2, 3]),
            (.port(0x1ae1), [0, 0, 0, 3, 9, 0x1a, 0xe1]),
            (.suggest(5), [0, 0, 0, 5, 13, 0, 0, 0, 5]),
            (.haveAll, [0, 0, 0, 1, 14]),
            (.haveNone, [0, 0, 0, 1, 15]),
            (.reject(block), [0, 0, 0, 13, 16, 0, 0, 0, 1, 0, 0, 0x40, 0, 0, 0, 2, 3]),
            (.allowedFast(1059), [0, 0, 0, 5, 17, 0, 0, 4, 0x23]),
            (.extended(id: 3, payload: [100, 101]), [0, 0, 0, 4, 20, 3, 100, 101]),
            (.unknown(id: 99), [0, 0, 0, 1, 99]),
        ] as [(PeerMessage, [UInt8])])
    func `the bytes are those of BEP 3, 5, 6 and 10`(message: PeerMessage, bytes: [UInt8]) {
        #expect(message.encoded() == bytes)
    }

    @Test func `a piece header has thirteen bytes`() {
        #expect(
            PeerMessage.pieceHeader(for: Self.block)
                == [0, 0, 2, 12, 7, 0, 0, 0, 1, 0, 0, 0x40, 0])
    }

    @Test func `encoding appends`() {
        var bytes: [UInt8] = [1, 2]
        PeerMessage.choke.encode(into: &bytes)
        #expect(bytes == [1, 2, 0, 0, 0, 1, 0])
    }
}
