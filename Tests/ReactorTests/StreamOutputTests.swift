import Glibc
import Testing

@testable import Reactor

@Suite struct StreamOutputTests {
    @Test(arguments: [4096, 65536, nil])
    func `file ranges between bytes arrive in order and intact`(sendBuffer: Int32?) throws {
        let content = pattern(1 << 20)
        let temporary = try TemporaryFile(content)
        try withLoop { loop in
            let pair = try Pair(on: loop, sendBuffer: sendBuffer)
            var expected: [UInt8] = []
            for block in 0..<64 {
                let header = pattern(13, seed: UInt64(block))
                let offset = (block * 37 % 64) << 14
                pair.server.write(header)
                pair.server.write(file: temporary.file, offset: Int64(offset), length: 1 << 14)
                expected += header
                expected += content[offset..<offset + 1 << 14]
            }
            let tail = pattern(100_000)
            pair.server.write(tail)
            expected += tail
            #expect(pair.server.queuedByteCount == expected.count)
            pair.clientSide.onReceive = { _ in
                if pair.clientSide.received.count >= expected.count { loop.stop() }
            }
            run(loop)
            let isIntact = pair.clientSide.received == expected
            #expect(isIntact)
            #expect(pair.server.queuedByteCount == 0)
            #expect(pair.server.queue == nil)
        }
    }

    /// Each of the many is sent a share in its turn; who asks for little doesn't wait for them.
    @Test func `a short answer doesn't wait for those who are sent much`() throws {
        let temporary = try TemporaryFile(pattern(1 << 20))
        try withLoop { loop in
            let crowd = try (0..<100).map { _ in try Pair(on: loop) }
            let newcomer = try Pair(on: loop)
            var answered = 0
            for pair in crowd {
                for _ in 0..<2 {
                    pair.server.write(file: temporary.file, offset: 0, length: 1 << 20)
                }
            }
            let total = crowd.count * 2 << 20
            var turns: [Int] = []
            var asked = 0
            newcomer.serverSide.onReceive = { stream in stream.write([1]) }
            newcomer.clientSide.onReceive = { stream in
                turns.append(loop.turnCount - asked)
                answered += 1
                asked = loop.turnCount
                if answered < 20 { stream.write([0]) }
            }
            newcomer.client.write([0])
            asked = loop.turnCount
            var received = 0
            for pair in crowd {
                pair.clientSide.countsOnly = true
                pair.clientSide.onReceive = { _ in
                    received = crowd.reduce(0) { $0 + $1.clientSide.receivedCount }
                    if received == total { loop.stop() }
                }
            }
            run(loop)
            #expect(received == total && answered == 20)
            // There, read, answered, back: a turn each, and one where epoll_wait was full.
            #expect(turns.allSatisfy { $0 <= 6 }, "\(turns)")
            let least = crowd.map(\.clientSide.receivedCount).min()
            #expect(least == 2 << 20)
        }
    }

    @Test func `a slow reader gets it all, however small the buffers`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop, sendBuffer: 2048)
            let bytes = pattern(1 << 20)
            pair.server.write(bytes)
            pair.clientSide.onReceive = { stream in
                if pair.clientSide.receivedCount == bytes.count { return loop.stop() }
                stream.pauseReading()
                loop.schedule(after: .microseconds(1)) { stream.resumeReading() }
            }
            run(loop)
            let isIntact = pair.clientSide.received == bytes
            #expect(isIntact)
        }
    }

    @Test func `the small writes of a turn go out together`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            var reads = 0
            pair.clientSide.onReceive = { _ in
                reads += 1
                if pair.clientSide.receivedCount == 1000 { loop.stop() }
            }
            for index in 0..<1000 { pair.server.write([UInt8(truncatingIfNeeded: index)]) }
            #expect(pair.server.queuedByteCount == 1000)
            run(loop)
            #expect(reads == 1)
        }
    }

    @Test func `a drain is told once the queue is at the low-water mark`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop, sendBuffer: 4096)
            pair.server.lowWaterMark = 100_000
            pair.server.write([UInt8](repeating: 1, count: 100_000))
            pair.clientSide.countsOnly = true
            pair.clientSide.onReceive = { _ in
                if pair.clientSide.receivedCount == 100_000 { loop.stop() }
            }
            run(loop)
            #expect(pair.serverSide.drainCount == 0, "it has never been above the mark")

            var queuedAtDrain: [Int] = []
            pair.serverSide.onDrain = { queuedAtDrain.append($0.queuedByteCount) }
            pair.clientSide.onReceive = { _ in
                if pair.clientSide.receivedCount == 600_000 { loop.stop() }
            }
            pair.server.write([UInt8](repeating: 1, count: 500_000))
            #expect(pair.serverSide.drainCount == 0, "never within a call to the stream")
            run(loop)
            #expect(queuedAtDrain.count == 1)
            #expect(queuedAtDrain.allSatisfy { (0...100_000).contains($0) })
        }
    }

    @Test func `a delegate that refills at every drain keeps the stream busy`() throws {
        let temporary = try TemporaryFile(pattern(1 << 18))
        try withLoop { loop in
            let pair = try Pair(on: loop)
            let total = 64 << 20
            var written = 0
            pair.clientSide.countsOnly = true
            pair.clientSide.onReceive = { _ in
                if pair.clientSide.receivedCount >= total { loop.stop() }
            }
            pair.serverSide.onDrain = { stream in
                guard written < total else { return }
                for _ in 0..<4 {
                    stream.write(file: temporary.file, offset: 0, length: 1 << 18)
                    written += 1 << 18
                }
            }
            pair.server.lowWaterMark = 1 << 18
            pair.serverSide.onDrain(pair.server)
            run(loop)
            #expect(pair.clientSide.receivedCount == written)
        }
    }

    @Test func `one fast reader gets no more than its share of a turn`() throws {
        let temporary = try TemporaryFile(pattern(1 << 20))
        try withLoop { loop in
            let pair = try Pair(on: loop)
            let total = 64 << 20
            pair.server.writeLimit = .max
            for _ in 0..<64 {
                pair.server.write(file: temporary.file, offset: 0, length: 1 << 20)
            }
            pair.clientSide.countsOnly = true
            pair.clientSide.onReceive = { _ in
                if pair.clientSide.receivedCount == total { loop.stop() }
            }
            var largest = 0
            var queued = pair.server.queuedByteCount
            func watch() {
                largest = max(largest, queued - pair.server.queuedByteCount)
                queued = pair.server.queuedByteCount
                loop.schedule(after: .zero, watch)
            }
            watch()
            run(loop)
            #expect((1...2 * EventLoop.sendShares.upperBound).contains(largest))
        }
    }

    @Test func `a stream that others outrun is served meanwhile`() throws {
        let temporary = try TemporaryFile(pattern(1 << 20))
        try withLoop { loop in
            let bulk = try Pair(on: loop)
            let chat = try Pair(on: loop)
            var exchanges = 0
            bulk.server.writeLimit = .max
            for _ in 0..<128 {
                bulk.server.write(file: temporary.file, offset: 0, length: 1 << 20)
            }
            bulk.clientSide.countsOnly = true
            bulk.clientSide.onReceive = { _ in
                if bulk.clientSide.receivedCount == 128 << 20 { loop.stop() }
            }
            chat.serverSide.onReceive = { $0.write([1]) }
            chat.clientSide.onReceive = {
                exchanges += 1
                $0.write([1])
            }
            chat.client.write([1])
            run(loop)
            #expect(exchanges >= 32)
        }
    }

    @Test func `more than the write limit closes the stream, after the call`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            pair.server.writeLimit = 1000
            pair.server.write([UInt8](repeating: 0, count: 1000))
            #expect(pair.server.queuedByteCount == 1000)
            pair.server.write([0])
            pair.server.write([0])
            #expect(pair.server.isOpen && pair.serverSide.closeReasons.isEmpty)
            pair.serverSide.onClose = { _ in loop.stop() }
            run(loop)
            #expect(pair.serverSide.closeReasons == [.overflow])
            #expect(!pair.server.isOpen)
            #expect(pair.serverSide.drainCount == 0)
        }
    }

    @Test func `a file that shrinks while it is being sent closes the stream`() throws {
        let temporary = try TemporaryFile(pattern(1 << 20))
        try withLoop { loop in
            let pair = try Pair(on: loop, sendBuffer: 4096)
            pair.server.write(file: temporary.file, offset: 0, length: 1 << 20)
            pair.clientSide.countsOnly = true
            pair.clientSide.onReceive = { _ in
                if pair.clientSide.receivedCount > 100_000 {
                    ftruncate(temporary.file.descriptor, 0)
                }
            }
            pair.serverSide.onClose = { _ in loop.stop() }
            run(loop)
            #expect(pair.serverSide.closeReasons == [.fileEnded])
        }
    }

    @Test func `a reset while bytes are waiting is reported once`() throws {
        try withLoop { loop in
            let pair = try HalfPair(on: loop)
            pair.recorder.onClose = { _ in loop.stop() }
            pair.stream.pauseReading()
            pair.stream.writeLimit = .max
            pair.stream.write([UInt8](repeating: 0, count: 32 << 20))
            loop.schedule(after: .milliseconds(5)) { pair.client.reset() }
            run(loop)
            #expect(pair.recorder.closeReasons == [.reset])
            #expect(pair.recorder.drainCount == 0)
        }
    }

    @Test func `writing to a connection that is gone closes the stream, without SIGPIPE`() throws {
        let temporary = try TemporaryFile(pattern(1 << 20))
        try withLoop { loop in
            let pair = try HalfPair(on: loop)
            pair.recorder.onClose = { _ in loop.stop() }
            pair.stream.pauseReading()
            pair.client.close()
            func more() {
                pair.stream.write(file: temporary.file, offset: 0, length: 1 << 20)
                loop.schedule(after: .milliseconds(1), more)
            }
            more()
            run(loop)
            #expect(pair.recorder.closeReasons == [.reset])
        }
    }

    @Test func `what is written now goes at once, behind what is queued`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            [UInt8]([1]).withUnsafeBytes { pair.server.writeNow($0) }
            #expect(pair.server.queuedByteCount == 0 && pair.server.queue == nil)
            pair.server.write([7])
            pattern(100).withUnsafeBytes { pair.server.writeNow($0) }
            #expect(pair.server.queuedByteCount == 101)
            let expected = [1, 7] + pattern(100)
            pair.clientSide.onReceive = { _ in
                if pair.clientSide.received.count >= expected.count { loop.stop() }
            }
            run(loop)
            #expect(pair.clientSide.received == expected)
        }
    }

    @Test func `what the kernel doesn't take now is sent when it does`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop, sendBuffer: 4096)
            let content = pattern(3 << 20)
            content.withUnsafeBytes { pair.server.writeNow($0) }
            #expect(pair.server.queuedByteCount > 0)
            content.withUnsafeBytes { pair.server.writeNow($0) }
            pair.clientSide.onReceive = { _ in
                if pair.clientSide.received.count >= 2 * content.count { loop.stop() }
            }
            run(loop)
            let isIntact = pair.clientSide.received == content + content
            #expect(isIntact)
        }
    }

    @Test func `a failure to write now is reported at the turn's end`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            shutdown(pair.server.descriptor, Int32(SHUT_WR))
            pair.serverSide.onClose = { _ in loop.stop() }
            pattern(100).withUnsafeBytes { pair.server.writeNow($0) }
            #expect(pair.serverSide.closeReasons.isEmpty)
            run(loop)
            #expect(pair.serverSide.closeReasons == [.reset])
        }
    }
}
