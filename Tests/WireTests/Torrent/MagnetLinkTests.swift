import Testing

@testable import Wire

struct MagnetLinkTests {
    private let hash = InfoHash(hex: "c12fe1c06bba254a9dc9f519b335aa7c1367a88a")!

    private func link(_ parameters: String) throws(MagnetError) -> MagnetLink {
        try MagnetLink("magnet:?xt=urn:btih:\(hash.hex)\(parameters)")
    }

    @Test func `a link names an info-hash in hexadecimal or base 32 digits`() throws {
        #expect(try link("") == MagnetLink(infoHash: hash))
        let base32 = "YEX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK"
        #expect(try MagnetLink("magnet:?xt=urn:btih:\(base32)").infoHash == hash)
        #expect(try MagnetLink("MAGNET:?XT=URN:BTIH:\(base32.lowercased())").infoHash == hash)
        #expect(try MagnetLink("magnet:?dn=a&xt.1=urn:btih:\(hash.hex)").infoHash == hash)
    }

    @Test func `name, trackers and peers are read`() throws {
        let full = try link(
            "&dn=a%20b+c%26%C3%A9&tr=http%3A%2F%2F10.0.0.1%3A80%2Fannounce&tr=udp://x:1"
                + "&x.pe=10.0.0.2:6881&x.pe=[2001:db8::1]:6882&ws=http://y&flag&=&so=1-2")
        #expect(full.name == "a b c&é")
        #expect(full.trackers == ["http://10.0.0.1:80/announce", "udp://x:1"])
        #expect(full.trackerEndpoints == [Endpoint("10.0.0.1:80")!])
        #expect(full.peers == [Endpoint("10.0.0.2:6881")!, Endpoint("[2001:db8::1]:6882")!])
    }

    @Test func `a link round-trips`() throws {
        let link = MagnetLink(
            infoHash: hash, name: "a+b & c=d%.bin",
            trackers: [MagnetLink.announceURL(of: Endpoint("[::1]:80")!), "http://h/a?b=c&d"],
            peers: [Endpoint("1.2.3.4:5")!, Endpoint("[::1]:9")!])
        #expect(try MagnetLink(link.description) == link)
        #expect(link.trackerEndpoints == [Endpoint("[::1]:80")!])
    }

    @Test(arguments: [
        ("", MagnetError.notAMagnetLink), ("http://a", .notAMagnetLink),
        ("magnet:xt=urn:btih:0", .notAMagnetLink), ("magnet:?", .noInfoHash),
        ("magnet:?xt=urn:btmh:1220aa", .noInfoHash), ("magnet:?xt=urn:btih:", .malformedInfoHash),
        ("magnet:?xt=urn:btih:12", .malformedInfoHash),
        ("magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88", .malformedInfoHash),
        ("magnet:?xt=urn:btih:1EX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK", .malformedInfoHash),
        ("magnet:?xt=urn:btih:%zz", .malformedEncoding),
        ("magnet:?dn=%ff&xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a", .malformedEncoding),
    ])
    func `what can't be used is refused with the reason`(text: String, error: MagnetError) {
        #expect(throws: error) { try MagnetLink(text) }
        #expect(!error.description.isEmpty)
    }

    @Test func `two different info-hashes are refused, the same one twice is not`() throws {
        #expect(throws: MagnetError.severalInfoHashes) {
            try link("&xt=urn:btih:0000000000000000000000000000000000000000")
        }
        #expect(try link("&xt=urn:btih:\(hash.hex)").infoHash == hash)
    }

    @Test func `a link is bounded`() throws {
        #expect(throws: MagnetError.tooLong) {
            try link("&dn=" + String(repeating: "a", count: MagnetLink.maxLength))
        }
        let many = try link(
            String(repeating: "&tr=x", count: 100)
                + String(repeating: "&x.pe=1.2.3.4:5", count: 100))
        #expect(many.trackers.count == MagnetLink.maxTrackers)
        #expect(many.peers.count == MagnetLink.maxPeers)
    }

    @Test func `damaged links never trap`() {
        var generator = SeededGenerator(seed: 5)
        let bytes = Array("magnet:?xt=urn:btih:\(hash.hex)&dn=a%20b&tr=http://[::1]:1/announce")
        for _ in 0..<2_000 {
            let text = String(decoding: generator.mutated(bytes), as: UTF8.self)
            _ = (try? MagnetLink(text))?.trackerEndpoints
        }
    }
}
