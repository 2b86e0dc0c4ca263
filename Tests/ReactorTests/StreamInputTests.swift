import Glibc
import Testing

@testable import Reactor

@Suite struct StreamInputTests {
    @Test func `nothing is received while reading is paused, and all of it afterwards`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            pair.server.pauseReading()
            let bytes = pattern(500_000)
            pair.client.write(bytes)
            loop.schedule(after: .milliseconds(20)) { loop.stop() }
            run(loop)
            #expect(pair.serverSide.receivedCount == 0)
            pair.serverSide.onReceive = { _ in
                if pair.serverSide.receivedCount == bytes.count { loop.stop() }
            }
            pair.server.resumeReading()
            run(loop)
            let isIntact = pair.serverSide.received == bytes
            #expect(isIntact)
        }
    }

    @Test func `pausing in the middle of a turn holds at once`() throws {
        try withLoop { loop in
            let pairs = [try HalfPair(on: loop), try HalfPair(on: loop)]
            for (index, pair) in pairs.enumerated() {
                pair.recorder.onReceive = { _ in
                    pairs[1 - index].stream.pauseReading()
                    loop.schedule(after: .milliseconds(5)) { loop.stop() }
                }
                try pair.client.send([1])
            }
            run(loop)
            #expect(pairs.map(\.recorder.receivedCount).sorted() == [0, 1])
            for pair in pairs {
                pair.recorder.onReceive = { _ in loop.stop() }
                pair.stream.resumeReading()
            }
            run(loop)
            #expect(pairs.map(\.recorder.receivedCount) == [1, 1])
            for pair in pairs { pair.client.close() }
        }
    }

    @Test func `a turn reads no more than the buffer from one stream`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            let total = 8 << 20
            var largest = 0
            var before = 0
            pair.serverSide.countsOnly = true
            var turns: Set<Int> = []
            pair.serverSide.onReceive = { _ in
                #expect(turns.insert(loop.turnCount).inserted, "two reads in one turn")
                largest = max(largest, pair.serverSide.receivedCount - before)
                before = pair.serverSide.receivedCount
                if before == total { loop.stop() }
            }
            pair.client.write([UInt8](repeating: 0, count: total))
            run(loop)
            #expect(largest <= 256 << 10)
        }
    }

    @Test func `after the other end has closed its half we can still send`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            pair.serverSide.onEnd = { stream in
                #expect(pair.serverSide.received == Array("question".utf8))
                // In a later turn: the half-closed state lasts.
                loop.schedule(after: .milliseconds(2)) {
                    stream.write(Array("answer".utf8))
                    stream.closeAfterFlush()
                }
            }
            pair.clientSide.onEnd = { stream in
                stream.close()
                loop.stop()
            }
            pair.client.write(Array("question".utf8))
            pair.client.shutdownWrite()
            pair.client.write(Array("ignored".utf8))
            run(loop)
            #expect(pair.clientSide.received == Array("answer".utf8))
            #expect(pair.serverSide.endCount == 1 && pair.clientSide.endCount == 1)
        }
    }

    @Test func `two closed halves that nobody closes for good don't keep the loop busy`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            pair.serverSide.onEnd = { $0.shutdownWrite() }
            pair.clientSide.onEnd = { _ in loop.stop() }
            pair.client.shutdownWrite()
            run(loop)
            let turns = loop.turnCount
            loop.schedule(after: .milliseconds(20)) { loop.stop() }
            run(loop)
            #expect(loop.turnCount - turns <= 20)
            #expect(pair.client.isOpen && pair.server.isOpen)
            #expect(pair.client.interest == nil && pair.server.interest == nil)
            #expect(pair.clientSide.endCount == 1 && pair.serverSide.endCount == 1)
        }
    }

    @Test func `what arrived before both halves closed is received when reading resumes`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            pair.server.pauseReading()
            pair.server.shutdownWrite()
            pair.clientSide.onEnd = { stream in
                stream.write([1, 2, 3])
                stream.closeAfterFlush()
            }
            pair.clientSide.onClose = { _ in
                // Both directions have ended by now, and the server hasn't read a byte.
                loop.schedule(after: .milliseconds(5)) { loop.stop() }
            }
            run(loop)
            #expect(pair.server.interest == nil)
            #expect(pair.serverSide.receivedCount == 0)
            pair.serverSide.onEnd = { _ in loop.stop() }
            pair.server.resumeReading()
            run(loop)
            #expect(pair.serverSide.received == [1, 2, 3])
        }
    }

    @Test func `without an interest in halves, the end of the other's closes the stream`() throws {
        final class Plain: StreamDelegate {
            var reason: CloseReason?
            let onClose: () -> Void
            init(_ onClose: @escaping () -> Void) { self.onClose = onClose }
            func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {}
            func stream(_ stream: Stream, didClose reason: CloseReason) {
                self.reason = reason
                onClose()
            }
        }
        try withLoop { loop in
            let pair = try HalfPair(on: loop)
            let plain = Plain { loop.stop() }
            pair.stream.delegate = plain
            pair.client.close()
            run(loop)
            #expect(plain.reason == .ended)
            #expect(loop.sourceCount == 0)
        }
    }

    @Test(arguments: [false, true])
    func `a reset is reported, whether reading is paused or not`(isPaused: Bool) throws {
        try withLoop { loop in
            let pair = try HalfPair(on: loop)
            pair.recorder.onClose = { _ in loop.stop() }
            if isPaused { pair.stream.pauseReading() }
            loop.schedule(after: .milliseconds(2)) { pair.client.reset() }
            run(loop)
            #expect(pair.recorder.closeReasons == [.reset])
            #expect(!pair.stream.isOpen)
            #expect(pair.stream.queuedByteCount == 0)
        }
    }

    @Test func `bytes that came before a reset are received first`() throws {
        try withLoop { loop in
            let pair = try HalfPair(on: loop)
            pair.recorder.onClose = { _ in loop.stop() }
            try pair.client.send([1, 2, 3])
            pair.client.reset()
            run(loop)
            #expect(pair.recorder.received == [1, 2, 3])
            #expect(pair.recorder.closeReasons == [.reset])
        }
    }
}
