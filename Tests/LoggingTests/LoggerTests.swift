import Glibc
import Synchronization
import Testing

@testable import Logging

/// Keeps the lines that a logger writes, each without its time.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var sink: LogSink {
        LogSink { line in
            self.lines.withLock { $0.append(String(line.drop { $0 != " " }.dropFirst())) }
        }
    }

    var all: [String] { lines.withLock { $0 } }
}

struct LoggerTests {
    @Test func `a line has its level, message, context and fields`() {
        let lines = Lines()
        let logger = Logger(level: .info, sink: lines.sink).adding(["swarm": "ab12"])
        logger.warning("peer left", ["address": "127.0.0.1:5", "blocks": 3])
        #expect(
            lines.all == [
                "level=warning msg=\"peer left\" swarm=ab12 address=127.0.0.1:5 blocks=3\n"
            ])
    }

    @Test func `below the level neither message nor fields are evaluated`() {
        let lines = Lines()
        let logger = Logger(level: .warning, sink: lines.sink)
        func never() -> String {
            Issue.record("evaluated")
            return ""
        }
        logger.debug(never(), ["key": never()])
        logger.info(never())
        logger.error("seen")
        #expect(lines.all == ["level=error msg=seen\n"])
    }

    @Test(arguments: [
        ("plain/text:1", "plain/text:1"), ("", "\"\""), ("two words", "\"two words\""),
        ("a=b", "\"a=b\""), ("say \"hi\"", "\"say \\\"hi\\\"\""),
        ("back\\slash", "\"back\\\\slash\""),
        ("a\nlevel=error", "\"a\\nlevel=error\""), ("\u{1b}[31mred", "\"\\u{1b}[31mred\""),
        ("\u{202e}evil", "\"\\u{202e}evil\""), ("naïve", "\"naïve\""), ("\u{0}", "\"\\u{0}\""),
        ("\r\t", "\"\\r\\t\""), ("\u{85}\u{2028}", "\"\\u{85}\\u{2028}\""),
    ])
    func `values can't break their line or drive a terminal`(value: String, written: String) {
        let lines = Lines()
        Logger(level: .info, sink: lines.sink).info("m", ["v": value])
        #expect(lines.all == ["level=info msg=m v=\(written)\n"])
    }

    @Test func `a secret prints redacted everywhere`() {
        let lines = Lines()
        let passkey = Secret("0123abcd")
        Logger(level: .info, sink: lines.sink).info("key \(passkey)", ["passkey": passkey])
        var dumped = ""
        dump(passkey, to: &dumped)
        let everything = lines.all.joined() + String(reflecting: passkey) + dumped
        #expect(!everything.contains("0123abcd"))
        #expect(lines.all == ["level=info msg=\"key [redacted]\" passkey=[redacted]\n"])
        #expect(passkey.exposed == "0123abcd")
    }

    @Test func `times are in UTC and sort as text`() {
        #expect(LogLine.timestamp(seconds: 0, milliseconds: 7) == "1970-01-01T00:00:00.007Z")
        #expect(
            LogLine.timestamp(seconds: 951_782_399, milliseconds: 999)
                == "2000-02-28T23:59:59.999Z")
        #expect(LogLine.timestamp().utf8.count == 24)
    }

    @Test func `levels are ordered and have names`() {
        #expect(Logger.Level.debug < .info && Logger.Level.warning < .error)
        #expect(Logger.Level.allCases.allSatisfy { Logger.Level(named: $0.description) == $0 })
        #expect(Logger.Level(named: "loud") == nil)
    }
}

struct LogSinkTests {
    private func text(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    @Test func `a file is appended to, and opened anew after it was moved`() throws {
        var template = Array("/tmp/mtorrent-log-XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        let path = folder + "/log"
        defer {
            unlink(path)
            unlink(path + ".1")
            rmdir(folder)
        }
        let sink = try LogSink(path: path)
        let logger = Logger(level: .info, sink: sink)
        logger.info("one")
        rename(path, path + ".1")
        logger.info("two")
        try sink.reopen()
        logger.info("three")
        #expect(text(of: path + ".1").contains("msg=one"))
        #expect(text(of: path + ".1").contains("msg=two"))
        #expect(text(of: path).contains("msg=three"))
        #expect(!text(of: path).contains("msg=two"))
    }

    @Test func `a file that can't be opened is an error that names it`() {
        let error = #expect(throws: LogFileError.self) { try LogSink(path: "/nonexistent/log") }
        #expect(
            error?.description
                == "/nonexistent/log: can't open the log file: No such file or directory")
    }
}
