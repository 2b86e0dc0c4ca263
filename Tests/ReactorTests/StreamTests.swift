import Glibc
import Testing

@testable import Reactor

@Suite struct StreamTests {
    @Test(arguments: [SocketAddress.loopback(port: 0), .loopback6(port: 0)])
    func `bytes go both ways`(address: SocketAddress) throws {
        try withLoop { loop in
            let pair = try Pair(on: loop, address: address)
            #expect(pair.client.remoteAddress == pair.server.localAddress)
            #expect(pair.client.localAddress == pair.server.remoteAddress)
            pair.serverSide.onReceive = { $0.write(Array("pong".utf8)) }
            pair.clientSide.onReceive = { _ in loop.stop() }
            pair.client.write(Array("ping".utf8))
            run(loop)
            #expect(pair.serverSide.received == Array("ping".utf8))
            #expect(pair.clientSide.received == Array("pong".utf8))
        }
    }

    @Test func `an idle stream takes well under a kibibyte`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            pair.serverSide.onReceive = { _ in loop.stop() }
            pair.client.write([1])
            run(loop)
            #expect(pair.client.queue == nil && pair.server.queue == nil)
            typealias UsableSize = @convention(c) (UnsafeMutableRawPointer) -> Int
            let usableSize = unsafeBitCast(
                dlsym(nil, "malloc_usable_size"), to: UsableSize.self)
            let object = Unmanaged.passUnretained(pair.client).toOpaque()
            #expect(usableSize(object) <= 320)
        }
    }

    @Test func `a stream and its delegate may hold each other, and go when it closes`() throws {
        final class Owner: StreamDelegate {
            var stream: Stream?
            func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {}
            func stream(_ stream: Stream, didClose reason: CloseReason) {}
        }
        try withLoop { loop in
            weak var weakOwner: Owner?
            let pair = try HalfPair(on: loop)
            do {
                let owner = Owner()
                owner.stream = pair.stream
                pair.stream.delegate = owner
                weakOwner = owner
            }
            #expect(weakOwner != nil)
            pair.client.close()
            loop.schedule(after: .milliseconds(1)) { loop.stop() }
            while weakOwner != nil, pair.stream.isOpen {
                loop.schedule(after: .milliseconds(1)) { loop.stop() }
                run(loop)
            }
            #expect(weakOwner == nil)
        }
    }

    @Test func `another delegate may take over in the middle`() throws {
        try withLoop { loop in
            let pair = try HalfPair(on: loop)
            let second = Recorder()
            second.onReceive = { _ in loop.stop() }
            pair.recorder.onReceive = {
                $0.delegate = second
                loop.stop()
            }
            try pair.client.send([1])
            run(loop)
            try pair.client.send([2])
            run(loop)
            #expect(pair.recorder.received == [1] && second.received == [2])
            pair.client.close()
        }
    }

    @Test func `a closed stream ignores what is asked of it`() throws {
        try withLoop { loop in
            let pair = try HalfPair(on: loop)
            let stream = pair.stream
            stream.close()
            stream.close()
            stream.write([1])
            stream.write(file: try SharedFile(path: "/dev/null"), offset: 0, length: 1)
            stream.pauseReading()
            stream.resumeReading()
            stream.shutdownWrite()
            stream.closeAfterFlush()
            stream.setAcknowledgementTimeout(.seconds(1))
            #expect(stream.queuedByteCount == 0)
            #expect(stream.localAddress == nil)
            #expect(stream.delegate == nil)
            loop.schedule(after: .milliseconds(1)) { loop.stop() }
            run(loop)
            #expect(pair.recorder.closeReasons.isEmpty)
            #expect(loop.sourceCount == 0)
            pair.client.close()
        }
    }

    @Test func `a machine that vanished is noticed by what it doesn't acknowledge`() throws {
        try withLoop { loop in
            let pair = try HalfPair(on: loop)
            pair.stream.setAcknowledgementTimeout(.milliseconds(1500))
            var value: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(
                pair.stream.descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &value, &size)
            #expect(value == 1500)
            pair.client.close()
        }
    }
}
