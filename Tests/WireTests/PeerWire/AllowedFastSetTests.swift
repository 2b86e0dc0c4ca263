import Testing

@testable import Wire

struct AllowedFastSetTests {
    private let infoHash = InfoHash([UInt8](repeating: 0xaa, count: 20))!

    private func pieces(_ count: Int, of pieceCount: Int, _ address: String) -> [UInt32] {
        AllowedFastSet.pieces(
            count: count, of: pieceCount, infoHash: infoHash, address: IPAddress(address)!)
    }

    @Test func `the sets are those of BEP 6`() {
        #expect(
            pieces(7, of: 1313, "80.4.4.200") == [1059, 431, 808, 1217, 287, 376, 1188])
        #expect(
            pieces(9, of: 1313, "80.4.4.200")
                == [1059, 431, 808, 1217, 287, 376, 1188, 353, 508])
    }

    @Test func `a network of 256 addresses has one set`() {
        #expect(pieces(7, of: 1313, "80.4.4.1") == pieces(7, of: 1313, "80.4.4.255"))
        #expect(pieces(7, of: 1313, "80.4.5.1") != pieces(7, of: 1313, "80.4.4.1"))
    }

    @Test func `a small torrent's set is all of it, an empty one's nothing`() {
        #expect(pieces(10, of: 3, "80.4.4.200").sorted() == [0, 1, 2])
        #expect(pieces(10, of: 0, "80.4.4.200") == [])
    }

    @Test func `there is none for IPv6`() {
        #expect(pieces(7, of: 1313, "2001:db8::1") == [])
    }
}
