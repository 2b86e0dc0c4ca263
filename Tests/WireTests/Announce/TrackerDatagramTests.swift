import Testing

@testable import Wire

struct TrackerDatagramTests {
    /// BEP 15's announce request with every field of its own value.
    private static let announce: [UInt8] =
        [0, 0, 0, 0, 0, 0, 0, 7]  // connection id
        + [0, 0, 0, 1] + [0, 0, 0, 9]  // announce, transaction
        + [UInt8](0..<20) + Array("-MT0100-abcdefghijkl")
        + [0, 0, 0, 0, 0, 0, 1, 0]  // downloaded
        + [0, 0, 0, 0, 0, 0, 2, 0]  // left
        + [0, 0, 0, 0, 0, 0, 3, 0]  // uploaded
        + [0, 0, 0, 2]  // started
        + [9, 9, 9, 9]  // an address that isn't believed
        + [0xde, 0xad, 0xbe, 0xef]  // key
        + [0xff, 0xff, 0xff, 0xff]  // as many peers as usual
        + [0x1a, 0xe1]  // port

    private func read<R>(
        _ bytes: [UInt8], _ body: (TrackerDatagram) throws -> R
    ) throws -> R {
        try bytes.withRawBytes { try body(try #require(TrackerDatagram($0))) }
    }

    private func urlData(_ options: [UInt8]) throws -> String {
        try read(Self.announce + options) { datagram in
            datagram.withURLData { String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test func `a connect request is 16 bytes with the protocol's number`() throws {
        let bytes: [UInt8] = [0, 0, 0x04, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 1, 2, 3, 4]
        let (action, transaction) = try read(bytes) { ($0.action, $0.transaction) }
        #expect(action == .connect && transaction == 0x0102_0304)
        var wrong = bytes
        wrong[7] = 0x81
        wrong.withRawBytes { #expect(TrackerDatagram($0) == nil) }
        bytes.dropLast().withUnsafeBytes { #expect(TrackerDatagram($0) == nil) }
    }

    @Test func `an announce has its fields where BEP 15 says`() throws {
        try read(Self.announce) { datagram in
            #expect(datagram.connectionID == 7 && datagram.transaction == 9)
            let announce = try datagram.announce()
            #expect(
                announce
                    == AnnounceRequest(
                        infoHash: InfoHash([UInt8](0..<20))!,
                        peerID: PeerID(Array("-MT0100-abcdefghijkl"))!, port: 6881,
                        uploaded: 0x300, downloaded: 0x100, left: 0x200, event: .started,
                        key: 0xdead_beef))
        }
    }

    @Test(arguments: [
        (UInt8(0), AnnounceRequest.Event.none), (1, .completed), (2, .started), (3, .stopped),
        (4, .paused),
    ])
    func `events have the numbers of BEP 15`(
        number: UInt8, event: AnnounceRequest.Event
    ) throws {
        var bytes = Self.announce
        bytes[83] = number
        #expect(try read(bytes) { try $0.announce() }.event == event)
    }

    @Test func `port 0 and an unknown event are malformed`() throws {
        var portless = Self.announce
        portless.replaceSubrange(96..<98, with: [0, 0])
        #expect(throws: AnnounceError.malformed(.port)) {
            try read(portless) { try $0.announce() }
        }
        var strange = Self.announce
        strange[83] = 5
        #expect(throws: AnnounceError.malformed(.event)) {
            try read(strange) { try $0.announce() }
        }
    }

    @Test func `an announce cut off anywhere behind its head is too short`() throws {
        for count in 16..<98 {
            #expect(throws: AnnounceError.truncated) {
                try read(Array(Self.announce.prefix(count))) { try $0.announce() }
            }
        }
    }

    @Test func `the URL data of BEP 41 is joined from its options`() throws {
        #expect(try urlData([]) == "")
        #expect(try urlData([0]) == "")
        #expect(try urlData([2, 2] + Array("/a")) == "/a")
        #expect(try urlData([1, 1, 2, 2] + Array("/a") + [1, 2, 1] + Array("b") + [0]) == "/ab")
        // Behind the end of options nothing counts.
        #expect(try urlData([2, 1] + Array("/") + [0, 2, 1] + Array("x")) == "/")
        let long = [UInt8](repeating: 0x61, count: 255)
        #expect(try urlData([2, 255] + long + [2, 45] + long[..<45]).utf8.count == 300)
    }

    @Test func `an option that says more than there is gives no URL data`() throws {
        #expect(try urlData([2]) == "")
        #expect(try urlData([2, 5] + Array("/ann")) == "")
        #expect(try urlData([2, 1] + Array("/") + [2, 9]) == "")
    }

    @Test func `an unknown option ends the options`() throws {
        #expect(try urlData([2, 2] + Array("/a") + [77, 1, 2, 1] + Array("b")) == "/a")
    }

    @Test func `a scrape names up to 74 info-hashes`() throws {
        let head: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 9]
        let hash = [UInt8](20..<40)
        try read(head + hash + [UInt8](0..<20) + [1, 2]) { datagram in
            let count = try datagram.scrapedCount()
            #expect(count == 2)
            #expect(datagram.scraped(0) == InfoHash(hash) && datagram.scraped(1).bytes[0] == 0)
        }
        let many = [UInt8](repeating: 1, count: 100 * 20)
        #expect(try read(head + many) { try $0.scrapedCount() } == 74)
        #expect(throws: AnnounceError.missing(.infoHash)) {
            try read(head + [1]) { try $0.scrapedCount() }
        }
    }

    @Test func `answers have their fields where BEP 15 says`() {
        var bytes: [UInt8] = []
        TrackerDatagram.appendConnected(9, connectionID: 7, to: &bytes)
        #expect(bytes == [0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 7])
        bytes = []
        TrackerDatagram.appendAnnounced(
            9, interval: 120, leechers: 3, seeders: 4, peers: [1, 2, 3, 4, 5, 6], to: &bytes)
        #expect(
            bytes == [0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 120, 0, 0, 0, 3, 0, 0, 0, 4]
                + [1, 2, 3, 4, 5, 6])
        bytes = []
        TrackerDatagram.appendScraped(9, to: &bytes)
        TrackerDatagram.appendScrapedEntry(seeders: 1, completed: 2, leechers: 3, to: &bytes)
        #expect(bytes == [0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3])
    }

    @Test func `an error is cut to its limit`() {
        var bytes: [UInt8] = []
        TrackerDatagram.appendError(9, "connect again", limit: 16, to: &bytes)
        #expect(bytes == [0, 0, 0, 3, 0, 0, 0, 9] + Array("connect "))
    }

    @Test func `random and mutated bytes never trap`() {
        var random = SeededGenerator(seed: 15)
        for round in 0..<20_000 {
            let bytes =
                round % 2 == 0
                ? random.bytes(random.number(0..<300))
                : random.mutated(Self.announce + [2, 4] + Array("/abc"))
            bytes.withRawBytes { raw in
                guard let datagram = TrackerDatagram(raw) else { return }
                _ = try? datagram.announce()
                datagram.withURLData { #expect($0.count < raw.count) }
                guard let count = try? datagram.scrapedCount() else { return }
                for index in 0..<count { _ = datagram.scraped(index) }
            }
        }
    }
}
