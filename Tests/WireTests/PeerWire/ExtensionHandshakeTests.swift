import Testing

@testable import Wire

struct ExtensionHandshakeTests {
    @Test func `the example of BEP 10 is read`() throws {
        let payload = Array("d1:md11:LT_metadatai1e6:µT_PEXi2ee1:pi6881e1:v13:\u{00b5}Torrent 1.2e")
        let fixed = Array("d1:md11:LT_metadatai1e7:µT_PEXi2ee1:pi6881e1:v13:µTorrent 1.2e")
        #expect(throws: BencodeError.self) { try ExtensionHandshake(decoding: payload) }
        let handshake = try ExtensionHandshake(decoding: fixed)
        #expect(handshake.messageIDs == ["LT_metadata": 1, "µT_PEX": 2])
        #expect(handshake.listenPort == 6_881)
        #expect(handshake.client == "µTorrent 1.2")
        #expect(handshake.encoded() == fixed)
    }

    @Test(arguments: [
        ExtensionHandshake(),
        ExtensionHandshake(
            messageIDs: ["ut_pex": 0, "ut_metadata": 255, "": 3], client: "mTorrent 0.1",
            requestQueueLength: 500, listenPort: 65_535, yourIP: IPAddress("1.2.3.4"),
            isUploadOnly: true),
        ExtensionHandshake(
            yourIP: IPAddress("2001:db8::1"), ipv4: IPAddress("10.0.0.1"),
            ipv6: IPAddress("2001:db8::2"), metadataSize: 31_235, maxBlockLength: 1 << 20),
    ])
    func `a handshake round-trips and its truncations are refused`(
        handshake: ExtensionHandshake
    ) throws {
        let bytes = handshake.encoded()
        #expect(try ExtensionHandshake(decoding: bytes) == handshake)
        for count in 0..<bytes.count {
            #expect(throws: BencodeError.self) {
                try ExtensionHandshake(decoding: Array(bytes[..<count]))
            }
        }
    }

    @Test func `entries of the wrong type or out of range are passed over`() throws {
        let handshake = try ExtensionHandshake(
            decoding: Array(
                "d1:md1:ai256e1:bi-1e1:c1:x1:di7ee1:pi65536e4:reqqi-5e1:vi1e6:yourip3:abce"))
        #expect(handshake == ExtensionHandshake(messageIDs: ["d": 7]))
        #expect(try ExtensionHandshake(decoding: Array("d1:mle1:pi0ee")) == ExtensionHandshake())
        let odd = "d4:ipv416:abcdefghijklmnop4:ipv64:abcd13:metadata_sizei0e11:mt_maxblock1:xe"
        #expect(try ExtensionHandshake(decoding: Array(odd)) == ExtensionHandshake())
    }

    @Test func `other values than dictionaries are refused`() {
        #expect(throws: BencodeError.unexpectedByte(0x69, at: 0)) {
            try ExtensionHandshake(decoding: Array("i1e"))
        }
    }

    @Test func `damaged payloads never trap`() {
        var generator = SeededGenerator(seed: 17)
        let bytes = ExtensionHandshake(
            messageIDs: ["ut_pex": 1], client: "c", requestQueueLength: 5, listenPort: 1,
            yourIP: IPAddress("1.2.3.4"), metadataSize: 7, maxBlockLength: 8
        ).encoded()
        for _ in 0..<2_000 {
            _ = try? ExtensionHandshake(decoding: generator.mutated(bytes))
        }
    }
}
