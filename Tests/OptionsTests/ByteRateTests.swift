import Testing

@testable import Options

struct ByteRateTests {
    @Test(arguments: [
        ("2000", 2000), ("1K", 1024), ("500k", 512_000), ("1.5M", 1_572_864), ("10MiB", 10 << 20),
        ("10MB/s", 10 << 20), ("1G", 1 << 30), ("1024G", 1 << 40),
    ])
    func `rates are bytes a second, in powers of 1024`(text: String, bytes: Int) throws {
        #expect(try ByteRate.limit(parsing: text)?.bytesPerSecond == bytes)
    }

    @Test func `off is no limit`() throws {
        #expect(try ByteRate.limit(parsing: "off") == nil)
    }

    @Test(arguments: ["ten", "", "M", "-5M", "1e9", "0x10", "inf", "nan", "1 M", "5X", "OFF", "/s"])
    func `what is no rate is refused, and told what is one`(text: String) {
        #expect(
            throws: OptionError(
                "it is a number of bytes a second, such as `500K`, `1.5M` or `1G`, or `off`")
        ) { try ByteRate.limit(parsing: text) }
    }

    @Test(arguments: ["0", "0M", "1", "1023"])
    func `a rate that would stop everything is refused`(text: String) {
        #expect(throws: OptionError("the least is `1K`; `off` lifts the limit")) {
            try ByteRate.limit(parsing: text)
        }
    }

    @Test(arguments: ["1025G", "2T", "99999999999999999999999999G"])
    func `a rate beyond any machine is refused`(text: String) {
        #expect(throws: OptionError("the most is `1024G`; `off` lifts the limit")) {
            try ByteRate.limit(parsing: text)
        }
    }

    @Test func `an option's error names where it was given`() throws {
        let parser = OptionParser(
            program: "p", usage: [], options: [Option(long: "up", value: "RATE", help: "")])
        func rate(_ arguments: [String], _ environment: [String: String] = [:]) throws -> ByteRate?
        {
            try parser.parse(arguments: arguments, environment: environment).rate("up")
        }
        #expect(try rate([]) == nil)
        #expect(try rate(["--up", "off"]) == nil)
        #expect(try rate(["--up=64K"])?.bytesPerSecond == 65_536)
        #expect(
            throws: OptionError(
                "MTORRENT_UP: `0` is not right: the least is `1K`; `off` lifts the limit")
        ) { try rate([], ["MTORRENT_UP": "0"]) }
    }
}
