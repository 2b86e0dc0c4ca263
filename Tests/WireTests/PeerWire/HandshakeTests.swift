import Testing

@testable import Wire

struct HandshakeTests {
    private static let sample = Handshake(
        infoHash: InfoHash([UInt8](repeating: 0xaa, count: 20))!,
        peerID: PeerID(Array("-MT0100-abcdefghijkl"))!)

    @Test func `the bytes are those of BEP 3`() {
        let expected =
            [19] + Array("BitTorrent protocol") + [UInt8](repeating: 0, count: 8)
            + [UInt8](repeating: 0xaa, count: 20) + Array("-MT0100-abcdefghijkl")
        #expect(Self.sample.encoded() == expected)
        #expect(expected.count == Handshake.length)
    }

    @Test func `a handshake round-trips with any reserved bits`() throws {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<100 {
            var handshake = Self.sample
            handshake.reserved = generator.next()
            #expect(try Handshake.decode(handshake.encoded()) == handshake)
        }
    }

    @Test func `the reserved bits stand where BEP 10 and BEP 6 put them`() {
        var handshake = Self.sample
        handshake.supportsExtensionProtocol = true
        #expect(Array(handshake.encoded()[20..<28]) == [0, 0, 0, 0, 0, 0x10, 0, 0])
        handshake.supportsFastExtension = true
        #expect(Array(handshake.encoded()[20..<28]) == [0, 0, 0, 0, 0, 0x10, 0, 0x04])
        #expect(handshake.supportsExtensionProtocol && handshake.supportsFastExtension)
        handshake.supportsExtensionProtocol = false
        handshake.supportsFastExtension = false
        #expect(handshake.reserved == 0)
    }

    @Test func `every truncation is refused but is a possible beginning`() {
        let bytes = Self.sample.encoded()
        for count in 0..<bytes.count {
            #expect(throws: WireError.wrongHandshakeLength(count)) {
                try Handshake.decode(Array(bytes[..<count]))
            }
            #expect(bytes[..<count].withUnsafeBytes { Handshake.isPrefix($0) })
        }
        #expect(throws: WireError.wrongHandshakeLength(69)) { try Handshake.decode(bytes + [0]) }
    }

    @Test func `a change in the first twenty bytes is another protocol`() {
        for index in 0..<20 {
            var bytes = Self.sample.encoded()
            bytes[index] ^= 0x20
            #expect(throws: WireError.unknownProtocol) { try Handshake.decode(bytes) }
            #expect(!bytes[...index].withUnsafeBytes { Handshake.isPrefix($0) })
        }
    }
}
