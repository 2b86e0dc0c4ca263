import Testing

@testable import Wire

struct HTTPLineTests {
    @Test func `every byte is judged alike at every place of a long range`() {
        for byte in UInt8.min...UInt8.max {
            let isVisible = (0x21...0x7e).contains(byte)
            let isFieldValue = byte == 0x09 || (byte >= 0x20 && byte != 0x7f)
            for place in 0..<19 {
                var bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 19)
                bytes[place] = byte
                let judged = bytes.withUnsafeBytes {
                    (HTTPLine.isVisible($0, 0..<19), HTTPLine.isFieldValue($0, 0..<19))
                }
                if judged != (isVisible, isFieldValue) {
                    Issue.record("byte \(byte) at \(place): \(judged)")
                }
            }
        }
    }

    @Test func `token and host characters are those of RFC 9110 and RFC 3986`() {
        let letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        let tokens = Set((letters + "!#$%&'*+-.^_`|~").utf8)
        let hosts = Set((letters + "-._~!$&'()*+,;=:%[]").utf8)
        for byte in UInt8.min...UInt8.max {
            #expect(HTTPLine.isToken(byte) == tokens.contains(byte))
            #expect(HTTPLine.isHost(byte) == hosts.contains(byte))
        }
    }
}
