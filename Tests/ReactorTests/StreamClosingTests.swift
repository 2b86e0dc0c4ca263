import Glibc
import Testing

@testable import Reactor

@Suite struct StreamClosingTests {
    @Test func `closing after a flush delivers everything first`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop, sendBuffer: 4096)
            let bytes = pattern(300_000)
            pair.server.write(bytes)
            pair.server.closeAfterFlush()
            pair.server.write([0])
            pair.clientSide.onEnd = { $0.close() }
            pair.serverSide.onClose = { _ in loop.stop() }
            run(loop)
            let isIntact = pair.clientSide.received == bytes
            #expect(isIntact)
            #expect(pair.serverSide.closeReasons == [.flushed])
            #expect(pair.serverSide.drainCount == 0)
            #expect(loop.sourceCount == 0)
        }
    }

    @Test func `an answer survives what the other end is still sending`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            // Closing with these bytes unread would reset the connection, and lose the answer.
            pair.serverSide.onReceive = { stream in
                stream.write(Array("no".utf8))
                stream.closeAfterFlush()
            }
            pair.client.write([UInt8](repeating: 0, count: 2 << 20))
            pair.clientSide.onEnd = { $0.closeAfterFlush() }
            pair.serverSide.onClose = { _ in loop.stop() }
            run(loop)
            #expect(pair.clientSide.received == Array("no".utf8))
            #expect(pair.serverSide.closeReasons == [.flushed])
            #expect(pair.serverSide.receivedCount <= 256 << 10)
        }
    }

    @Test func `without lingering it closes once all is sent, whatever the other end does`() throws
    {
        try withLoop { loop in
            let pair = try Pair(on: loop, sendBuffer: 4096)
            let bytes = pattern(300_000)
            pair.server.write(bytes)
            pair.server.closeAfterFlush(lingering: false)
            // The client keeps its direction open, and is heard no more.
            pair.clientSide.onEnd = { _ in loop.stop() }
            run(loop)
            #expect(pair.serverSide.closeReasons == [.flushed])
            let isIntact = pair.clientSide.received == bytes
            #expect(isIntact)
        }
    }

    @Test func `closing after a flush with nothing to flush isn't reported within the call`() throws
    {
        try withLoop { loop in
            let pair = try HalfPair(on: loop)
            pair.recorder.onClose = { _ in loop.stop() }
            pair.stream.closeAfterFlush()
            #expect(pair.stream.isOpen)
            pair.client.close()
            run(loop)
            #expect(pair.recorder.closeReasons == [.flushed])
            #expect(pair.recorder.endCount == 0)
        }
    }

    @Test func `a reader that never reads can't keep a closing stream`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop, sendBuffer: 4096)
            pair.client.pauseReading()
            pair.server.write([UInt8](repeating: 0, count: 1 << 20))
            pair.server.closeAfterFlush(within: .milliseconds(20))
            pair.serverSide.onClose = { _ in loop.stop() }
            run(loop)
            #expect(pair.serverSide.closeReasons == [.flushTimedOut])
        }
    }

    @Test func `an end that never closes can't keep a flushed stream`() throws {
        try withLoop { loop in
            let pair = try HalfPair(on: loop)
            pair.recorder.onClose = { _ in loop.stop() }
            pair.stream.write([1])
            pair.stream.closeAfterFlush(within: .milliseconds(20))
            run(loop)
            #expect(pair.recorder.closeReasons == [.flushed])
            pair.client.close()
        }
    }

    /// The callback in which a stream, or the other one of the pair, is closed.
    enum Moment: CaseIterable { case connect, receive, end, drain, close, timer }

    @Test(arguments: Moment.allCases, [true, false])
    func `closing is safe at any moment`(moment: Moment, closesItself: Bool) throws {
        try withLoop { loop in
            let serverSide = Recorder()
            let clientSide = Recorder()
            let pad = [UInt8](repeating: 0, count: 3 << 20)
            var server: Stream?
            let listener = try Listener(loop: loop, address: .loopback(port: 0)) { accepted in
                server = Stream(loop: loop, accepted: accepted, delegate: serverSide)
                server?.write(pad)
            }
            let client = Stream.connect(
                loop: loop, to: listener.localAddress, timeout: .seconds(5), delegate: clientSide)
            var wasClosed = false
            func closeAll(_ stream: Stream) {
                let other = stream === client ? server : client
                if closesItself {
                    stream.close()
                    #expect(!stream.isOpen)
                } else {
                    other?.close()
                }
                wasClosed = true
                stream.write(pad)
                loop.schedule(after: .milliseconds(2)) { loop.stop() }
            }
            for side in [serverSide, clientSide] {
                side.countsOnly = true
                if moment == .connect { side.onConnect = closeAll }
                if moment == .receive { side.onReceive = closeAll }
                if moment == .drain { side.onDrain = closeAll }
                if moment == .end { side.onEnd = closeAll }
                if moment == .close { side.onClose = closeAll }
            }
            let sending: (Stream) -> Void = { stream in
                if moment == .end { stream.shutdownWrite() }
                if moment == .close { stream.fail(.overflow) }
                if moment == .timer {
                    loop.schedule(after: .microseconds(100)) { closeAll(stream) }
                }
            }
            if moment != .connect { clientSide.onConnect = sending }
            run(loop)
            #expect(wasClosed)
            server?.close()
            client.close()
            listener.close()
            #expect(loop.sourceCount == 0)
        }
    }

    @Test func `nothing is called after close`() throws {
        try withLoop { loop in
            let pair = try HalfPair(on: loop)
            try pair.client.send([1, 2, 3])
            pair.client.close()
            pair.stream.write([UInt8](repeating: 0, count: 10))
            loop.schedule(after: .zero) {
                pair.stream.lowWaterMark = 0
                pair.stream.write([UInt8](repeating: 0, count: 17 << 20))  // Overflows.
                pair.stream.close()
            }
            pair.recorder.onReceive = { $0.close() }
            loop.schedule(after: .milliseconds(5)) { loop.stop() }
            run(loop)
            #expect(pair.recorder.receivedCount <= 3)
            #expect(pair.recorder.endCount == 0)
            #expect(pair.recorder.drainCount == 0)
            #expect(pair.recorder.closeReasons.isEmpty)
        }
    }
}
