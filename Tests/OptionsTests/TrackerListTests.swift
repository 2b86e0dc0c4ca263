import Testing

@testable import Options

@Suite struct TrackerListTests {
    @Test func `both forms of a line, comments and blank lines are understood`() throws {
        let list = try TrackerList(
            parsing: """
                # the trackers of the lab

                192.0.2.1 6969
                192.0.2.2:6970   # the second one
                \t2001:db8::1\t6971
                [2001:db8::2]:6972
                """)
        #expect(
            list.trackers.map(\.description) == [
                "192.0.2.1:6969", "192.0.2.2:6970", "[2001:db8::1]:6971", "[2001:db8::2]:6972",
            ])
    }

    @Test func `windows line ends are understood`() throws {
        let list = try TrackerList(parsing: "192.0.2.1 1\r\n192.0.2.2 2\r\n")
        #expect(list.trackers.map(\.port) == [1, 2])
    }

    @Test func `a pin may follow either form`() throws {
        let pin = String(repeating: "Ab", count: 32)
        let list = try TrackerList(
            parsing: "192.0.2.1 6969 sha256:\(pin)\n192.0.2.2:6969 sha256:\(pin)")
        #expect(list.trackers.allSatisfy { $0.certificatePin == pin.lowercased() })
    }

    @Test(arguments: [
        ("192.0.2.1", "line 1: '192.0.2.1' is not IP:PORT, for example 192.0.2.1:6969"),
        ("\n\nlocalhost 6969", "line 3: 'localhost' is not an IPv4 or IPv6 address"),
        ("192.0.2.1 0", "line 1: '0' is not a port (1-65535)"),
        ("192.0.2.1 65536", "line 1: '65536' is not a port (1-65535)"),
        ("192.0.2.1 +80", "line 1: '+80' is not a port (1-65535)"),
        ("192.0.2.1:", "line 1: '' is not a port (1-65535)"),
        ("2001:db8::1:80", "line 1: '2001:db8::1:80': write an IPv6 address as [ADDRESS]:PORT"),
        ("192.0.2.1 80 pin", "line 1: 'pin' is not sha256:HEX"),
        ("192.0.2.1 80 sha256:12", "line 1: 'sha256:12' needs 64 hex digits after sha256:"),
        ("192.0.2.1:1\n192.0.2.1 1", "line 2: 192.0.2.1:1 is already tracker 1"),
        ("# nothing", "no tracker listed; write one 'IP PORT' a line"),
    ])
    func `a wrong list names its line`(text: String, message: String) {
        let error = #expect(throws: TrackerListError.self) { try TrackerList(parsing: text) }
        #expect(error?.description == message)
    }

    @Test func `a field too many is refused`() {
        let pin = "sha256:" + String(repeating: "0", count: 64)
        let error = #expect(throws: TrackerListError.self) {
            try TrackerList(parsing: "192.0.2.1 80 \(pin) more")
        }
        #expect(error?.description == "line 1: 'more' is one field too many")
    }

    @Test func `port 0 is accepted only where it is allowed`() throws {
        #expect(try TrackerAddress(parsing: "127.0.0.1:0", allowingPortZero: true).port == 0)
        #expect(throws: TrackerListError.self) { try TrackerAddress(parsing: "127.0.0.1:0") }
    }
}
