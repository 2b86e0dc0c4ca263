import Certificates
import Foundation
import Testing

@testable import Reactor

/// TLS with another program, openssl(1).
@Suite struct OpenSSLProgramTests {
    @Test func `openssl's client is served, and its wish for new keys fulfilled`() throws {
        try withLoop { loop in
            let server = try Server(on: loop)
            let client = try OpenSSL(["s_client", "-connect", server.address, "-tls1_3"])
            try client.type("one\n")
            run(loop, untilReceived: 4, by: server.recorder)
            // Asks for new keys.
            try client.type("K\n")
            #expect(client.line { $0 == "KEYUPDATE" } != nil)
            try client.type("two\n")
            run(loop, untilReceived: 8, by: server.recorder)
            #expect(server.recorder.received == Array("one\ntwo\n".utf8))
            server.stream?.write(Array("after new keys\n".utf8))
            server.stream?.closeAfterFlush(lingering: false)
            runUntilClosed(loop, server.recorder)
            let output = client.end()
            #expect(output.contains("after new keys"))
            #expect(output.contains("TLS_AES_128_GCM_SHA256"))
            #expect(server.recorder.closeReasons == [.flushed])
        }
    }

    @Test func `an older version of TLS is refused`() throws {
        try withLoop { loop in
            let server = try Server(on: loop)
            let client = try OpenSSL(
                ["s_client", "-connect", server.address, "-tls1_2"])
            runUntilClosed(loop, server.recorder)
            #expect(server.recorder.closeReasons == [.tls(.other("unsupported protocol"))])
            #expect(client.end().contains("alert protocol version"))
        }
    }

    @Test func `openssl's server is spoken to`() throws {
        let identity = try TestIdentity()
        let file = try TemporaryFile(identity.identity.certificates + identity.identity.key)
        let server = try OpenSSL(
            [
                "s_server", "-accept", "127.0.0.1:0", "-cert", file.path, "-key", file.path,
                "-naccept", "1", "-rev",
            ])
        let address = try #require(server.line { $0.hasPrefix("ACCEPT ") }?.dropFirst(7))
        try withLoop { loop in
            let recorder = Recorder()
            let stream = Stream.connect(
                loop: loop, to: try #require(SocketAddress(parsing: String(address))),
                timeout: .seconds(5), delegate: recorder)
            var shown: [UInt8]?
            stream.secure(with: try TLSContext(.client)) {
                shown = $0.certificate
                return nil
            }
            stream.write(Array("abc\n".utf8))
            run(loop, untilReceived: 4, by: recorder)
            #expect(recorder.received == Array("cba\n".utf8))
            #expect(recorder.connectCount == 1)
            let der = try #require(shown)
            #expect(Certificate.fingerprint(der: der) == identity.certificate.fingerprint)
            stream.closeAfterFlush()
            runUntilClosed(loop, recorder)
        }
        _ = server.end()
    }

    /// Takes one connection.
    private final class Server {
        let recorder = Recorder()
        var stream: Reactor.Stream?
        private var listener: Listener!

        init(on loop: EventLoop) throws {
            let context = try TLSContext(.server, presenting: TestIdentity().identity)
            listener = try Listener(loop: loop, address: .loopback(port: 0)) {
                [unowned self] accepted in
                stream = Reactor.Stream(loop: loop, accepted: accepted, delegate: recorder)
                stream?.secure(with: context)
                listener.close()
            }
        }

        var address: String { listener.localAddress.description }
    }

    /// The program, its input a pipe that stays open, its output and errors together.
    private final class OpenSSL {
        private let process = Process()
        private let input = Pipe()
        private let output = Pipe()
        /// The output so far.
        private var read = Data()

        init(_ arguments: [String]) throws {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["openssl"] + arguments
            process.standardInput = input
            process.standardOutput = output
            process.standardError = output
            try process.run()
        }

        func type(_ text: String) throws {
            try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        }

        /// The first line of the output that matches.
        func line(where isWanted: (String) -> Bool) -> String? {
            var line = Data()
            while let byte = try? output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
                guard byte[0] == UInt8(ascii: "\n") else {
                    line += byte
                    continue
                }
                let text = String(decoding: line, as: UTF8.self)
                read += line
                if isWanted(text) { return text }
                line = Data()
            }
            return nil
        }

        /// Waits for its end, and gives all output.
        func end() -> String {
            try? input.fileHandleForWriting.close()
            let bytes = try? output.fileHandleForReading.readToEnd()
            process.waitUntilExit()
            return String(decoding: read + (bytes ?? Data()), as: UTF8.self)
        }
    }
}
