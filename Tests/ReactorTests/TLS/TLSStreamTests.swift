import Certificates
import Glibc
import Testing

@testable import Reactor

@Suite struct TLSStreamTests {
    @Test(arguments: [false, true]) func `bytes go both ways, and each end knows the other`(
        inKernel: Bool
    ) throws {
        try withLoop { loop in
            let pair = try TLSPair(on: loop, inKernel: inKernel)
            #expect(pair.clientSide.connectCount == 2, "of TCP, and of TLS")
            pair.client.write(Array("ping".utf8))
            run(loop, untilReceived: 4, by: pair.serverSide)
            pair.server.write(Array("pong".utf8))
            run(loop, untilReceived: 4, by: pair.clientSide)
            #expect(pair.serverSide.received == Array("ping".utf8))
            #expect(pair.clientSide.received == Array("pong".utf8))
            #expect(pair.client.tlsPeer?.cipher == "TLS_AES_128_GCM_SHA256")
            let shown = try #require(pair.client.tlsPeer?.certificate)
            #expect(Certificate.fingerprint(der: shown) == pair.identity.certificate.fingerprint)
            #expect(pair.server.isSecure && pair.server.tlsPeer?.certificate == nil)
        }
    }

    @Test(arguments: [false, true]) func `bytes, ranges of files and their headers come in order`(
        inKernel: Bool
    ) throws {
        let bytes = pattern(400_000)
        let temporary = try TemporaryFile(bytes)
        try withLoop { loop in
            let pair = try TLSPair(on: loop, inKernel: inKernel)
            let headers = pattern(13 * 20, seed: 2)
            var expected = Array("begin".utf8)
            pair.server.write(expected)
            headers.withUnsafeBytes {
                pair.server.write(
                    $0, headerLength: 13, count: 20, file: temporary.file, offset: 1,
                    rangeLength: 16_384)
            }
            for index in 0..<20 {
                expected += headers[13 * index..<13 * (index + 1)]
                expected += bytes[1 + 16_384 * index..<1 + 16_384 * (index + 1)]
            }
            pair.server.write(file: temporary.file, offset: 399_000, length: 1000)
            pair.server.write(Array("end".utf8))
            expected += bytes[399_000...]
            expected += Array("end".utf8)
            run(loop, untilReceived: expected.count, by: pair.clientSide)
            let isIntact = pair.clientSide.received == expected
            #expect(isIntact)
            #expect(pair.server.queuedByteCount == 0)
        }
    }

    @Test(arguments: [false, true]) func `a slow reader gets it all, however small the buffers`(
        inKernel: Bool
    ) throws {
        try withLoop { loop in
            let pair = try TLSPair(on: loop, sendBuffer: 4096, inKernel: inKernel)
            let bytes = pattern(1 << 20)
            pair.server.lowWaterMark = 1000
            pair.server.write(bytes)
            pair.clientSide.onReceive = { stream in
                if pair.clientSide.receivedCount == bytes.count { return loop.stop() }
                stream.pauseReading()
                loop.schedule(after: .microseconds(1)) { stream.resumeReading() }
            }
            run(loop)
            let isIntact = pair.clientSide.received == bytes
            #expect(isIntact)
            #expect(pair.serverSide.drainCount == 1)
        }
    }

    @Test func `keys are changed in the middle of a long transfer`() throws {
        try withLoop { loop in
            let pair = try TLSPair(on: loop)
            let bytes = pattern(1 << 20)
            for stream in [pair.server, pair.client] {
                stream.tls?.keyLimit = 100_000
                stream.write(bytes)
            }
            run(loop, untilReceived: bytes.count, by: pair.clientSide)
            run(loop, untilReceived: bytes.count, by: pair.serverSide)
            let areIntact =
                pair.clientSide.received == bytes && pair.serverSide.received == bytes
            #expect(areIntact)
        }
    }

    @Test func `where the kernel encrypts, which keeps its keys, they end the connection`() throws {
        let session = TLSSession(
            context: try TLSContext(.client), handshakeTime: .seconds(1), early: [],
            check: { _ in nil })
        session.keyLimit = 100_000
        try session.noteSent(100_000)
        #expect(throws: TLSError.keysUsedUp) { try session.noteSent(1) }
    }

    @Test func `what is written before the handshake goes out after it`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            let identity = try TestIdentity().identity
            pair.client.secure(with: try TLSContext(.client))
            pair.client.write(Array("early".utf8))
            // The server finds out by the first byte.
            let context = try TLSContext(.server, presenting: identity)
            let secured = Recorder()
            let sniffer = Sniffer(context: context, next: secured)
            pair.server.delegate = sniffer
            run(loop, untilReceived: 5, by: secured)
            #expect(secured.received == Array("early".utf8))
            #expect(sniffer.firstByte == 0x16)
        }
    }

    private final class Sniffer: StreamDelegate {
        let context: TLSContext
        let next: Recorder
        var firstByte: UInt8?

        init(context: TLSContext, next: Recorder) {
            self.context = context
            self.next = next
        }

        func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {
            firstByte = bytes[0]
            stream.delegate = next
            stream.secure(with: context, received: bytes)
        }

        func stream(_ stream: Stream, didClose reason: CloseReason) {}
    }

    @Test(arguments: [false, true]) func `one direction ends, the other goes on`(
        inKernel: Bool
    ) throws {
        try withLoop { loop in
            let pair = try TLSPair(on: loop, inKernel: inKernel)
            pair.client.write(Array("last".utf8))
            pair.client.shutdownWrite()
            pair.serverSide.onEnd = { _ in loop.stop() }
            run(loop)
            #expect(pair.serverSide.received == Array("last".utf8))
            pair.server.write(Array("answer".utf8))
            run(loop, untilReceived: 6, by: pair.clientSide)
            #expect(pair.clientSide.received == Array("answer".utf8))
            #expect(pair.client.isOpen && pair.server.isOpen)
        }
    }

    @Test(arguments: [false, true]) func `closing after the flush sends all, and the end`(
        inKernel: Bool
    ) throws {
        try withLoop { loop in
            let pair = try TLSPair(on: loop, sendBuffer: 4096, inKernel: inKernel)
            let bytes = pattern(300_000)
            pair.server.write(bytes)
            pair.server.closeAfterFlush()
            pair.clientSide.onEnd = { $0.close() }
            runUntilClosed(loop, pair.serverSide)
            #expect(pair.serverSide.closeReasons == [.flushed])
            #expect(pair.clientSide.endCount == 1)
            let isIntact = pair.clientSide.received == bytes
            #expect(isIntact)
        }
    }

    @Test(arguments: [false, true]) func `a connection that breaks off is no end`(
        inKernel: Bool
    ) throws {
        try withLoop { loop in
            let pair = try TLSPair(on: loop, inKernel: inKernel)
            pair.client.close()
            runUntilClosed(loop, pair.serverSide)
            #expect(pair.serverSide.closeReasons == [.tls(.truncated)])
            #expect(pair.serverSide.endCount == 0)
        }
    }

    @Test(arguments: [false, true])
    func `a file that shrinks while it is being sent closes the stream`(
        inKernel: Bool
    ) throws {
        let temporary = try TemporaryFile(pattern(1 << 20))
        try withLoop { loop in
            let pair = try TLSPair(on: loop, sendBuffer: 4096, inKernel: inKernel)
            pair.server.write(file: temporary.file, offset: 0, length: 1 << 20)
            pair.clientSide.countsOnly = true
            pair.clientSide.onReceive = { _ in ftruncate(temporary.file.descriptor, 0) }
            runUntilClosed(loop, pair.serverSide)
            #expect(pair.serverSide.closeReasons == [.fileEnded])
        }
    }

    @Test func `a connection is given away with its TLS`() throws {
        try withLoop { loop in
            let pair = try TLSPair(on: loop)
            pair.client.write([1, 2, 3])
            run(loop, untilReceived: 3, by: pair.serverSide)
            var session: DetachedTLS?
            guard let socket = pair.server.detach(with: &session) else {
                Issue.record("it isn't given away")
                return
            }
            #expect(session != nil && !pair.server.isOpen)
            let recorder = Recorder()
            let server = Stream(loop: loop, accepted: socket, tls: session, delegate: recorder)
            #expect(server.isSecure)
            pair.client.write([4, 5])
            run(loop, untilReceived: 2, by: recorder)
            #expect(recorder.received == [4, 5])
            server.write([6])
            run(loop, untilReceived: 1, by: pair.clientSide)
            #expect(pair.clientSide.received == [6])
        }
    }

    @Test func `a stream in the middle of a handshake isn't given away`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            pair.server.secure(with: try TLSContext(.server, presenting: TestIdentity().identity))
            var session: DetachedTLS?
            let isGiven = pair.server.detach(with: &session) != nil
            #expect(!isGiven && session == nil && pair.server.isOpen)
        }
    }
}
