import Glibc
import Testing

@testable import Reactor

/// Turns `loop` until something stops it, which must happen within `limit`.
func run(
    _ loop: EventLoop, limit: Duration = .seconds(10),
    sourceLocation: SourceLocation = #_sourceLocation
) {
    var isLate = false
    let watchdog = loop.schedule(after: limit) {
        isLate = true
        loop.stop()
    }
    loop.run()
    loop.cancel(watchdog)
    #expect(!isLate, "what was waited for didn't happen", sourceLocation: sourceLocation)
}

/// Runs `body` with a loop of its own, and closes what is left on it.
func withLoop(_ body: (EventLoop) throws -> Void) throws {
    let loop = try EventLoop()
    defer { loop.shutdown() }
    try body(loop)
}

/// Keeps what a stream reports, and does what a test asks.
final class Recorder: StreamDelegate {
    var received: [UInt8] = []
    var closeReasons: [CloseReason] = []
    var connectCount = 0
    var endCount = 0
    var drainCount = 0

    var onConnect: (Stream) -> Void = { _ in }
    var onReceive: (Stream) -> Void = { _ in }
    var onEnd: (Stream) -> Void = { _ in }
    var onDrain: (Stream) -> Void = { _ in }
    var onClose: (Stream) -> Void = { _ in }
    /// Received bytes are counted only.
    var countsOnly = false
    var receivedCount = 0

    func streamDidConnect(_ stream: Stream) {
        connectCount += 1
        onConnect(stream)
    }

    func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {
        receivedCount += bytes.count
        if !countsOnly { received.append(contentsOf: bytes) }
        onReceive(stream)
    }

    func streamDidReceiveEnd(_ stream: Stream) {
        endCount += 1
        onEnd(stream)
    }

    func streamDidDrain(_ stream: Stream) {
        drainCount += 1
        onDrain(stream)
    }

    func stream(_ stream: Stream, didClose reason: CloseReason) {
        closeReasons.append(reason)
        onClose(stream)
    }
}

/// Two connected streams of one loop.
struct Pair {
    let client: Stream
    let clientSide = Recorder()
    let server: Stream
    let serverSide = Recorder()

    /// `sendBuffer`: SO_SNDBUF of the server's end, and SO_RCVBUF of the client's, in bytes.
    init(on loop: EventLoop, buffers: Int32? = nil, address: SocketAddress = .loopback(port: 0))
        throws
    {
        var server: Stream?
        let serverSide = serverSide
        let listener = try Listener(loop: loop, address: address) { accepted in
            server = Stream(loop: loop, accepted: accepted, delegate: serverSide)
            loop.stop()
        }
        if let buffers {
            // Accepted sockets inherit it.
            try Socket.set(listener.descriptor, SOL_SOCKET, SO_SNDBUF, buffers)
        }
        client = Stream.connect(
            loop: loop, to: listener.localAddress, timeout: .seconds(5), delegate: clientSide)
        if let buffers { try Socket.set(client.descriptor, SOL_SOCKET, SO_RCVBUF, buffers) }
        run(loop)
        listener.close()
        self.server = try #require(server)
        if clientSide.connectCount == 0 {
            clientSide.onConnect = { _ in loop.stop() }
            run(loop)
            clientSide.onConnect = { _ in }
        }
    }
}

/// A file that goes away with the test.
final class TemporaryFile {
    let path: String
    let file: SharedFile

    init(_ bytes: [UInt8] = []) throws {
        var template = Array("/tmp/reactor-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        file = SharedFile(adopting: descriptor)
        let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        try #require(descriptor >= 0 && written == bytes.count)
    }

    deinit { unlink(path) }
}

/// Bytes that look different at every offset.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
}
