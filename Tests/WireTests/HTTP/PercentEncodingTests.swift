import Testing

@testable import Wire

struct PercentEncodingTests {
    @Test func `only unreserved characters stand for themselves`() {
        let all = [UInt8](0...255)
        let encoded = PercentEncoding.encode(all)
        let plain = encoded.replacing(/%[0-9A-F]{2}/, with: "")
        #expect(plain == "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~")
        #expect(PercentEncoding.decode(encoded.utf8) == all)
        #expect(PercentEncoding.encode("a b/ä") == "a%20b%2F%C3%A4")
    }

    @Test func `escapes of either case are read and a plus stays`() {
        #expect(PercentEncoding.decode(Array("%aF%Af+")) == [0xaf, 0xaf, 0x2b])
        for text in ["%", "%a", "a%", "%g0", "%0g", "%%41", "%+1"] {
            #expect(PercentEncoding.decode(Array(text)) == nil)
        }
    }
}
