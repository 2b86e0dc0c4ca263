import Glibc
import Synchronization
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

    /// `sendBuffer`: SO_SNDBUF of the server's end, in bytes.
    init(
        on loop: EventLoop, sendBuffer: Int32? = nil, address: SocketAddress = .loopback(port: 0)
    ) throws {
        var server: Stream?
        let serverSide = serverSide
        let listener = try Listener(loop: loop, address: address) { accepted in
            server = Stream(loop: loop, accepted: accepted, delegate: serverSide)
            loop.stop()
        }
        if let sendBuffer {
            // Accepted sockets inherit it.
            try Socket.set(listener.descriptor, SOL_SOCKET, SO_SNDBUF, sendBuffer)
        }
        client = Stream.connect(
            loop: loop, to: listener.localAddress, timeout: .seconds(5), delegate: clientSide)
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

    init(_ bytes: [UInt8] = [], in folder: String = "/tmp") throws {
        var template = Array("\(folder)/reactor-test-XXXXXX".utf8CString)
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

/// Runs `body` on a thread with a table of descriptors of its own, so that it can count them, and
/// run out of them, without the tests beside it taking part: unshare(2), CLONE_FILES.
func withOwnDescriptors<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) throws -> Value {
    let outcome = Shared<Result<Value, any Error>?>(nil)
    let thread = try PosixThread {
        outcome.value = Result {
            typealias Unshare = @convention(c) (Int32) -> Int32
            let unshare = unsafeBitCast(dlsym(nil, "unshare"), to: Unshare.self)
            let ownDescriptors: Int32 = 0x400
            try check(unshare(ownDescriptors), "unshare")
            return try body()
        }
    }
    thread.join()
    return try #require(outcome.value).get()
}

/// A value that several threads use.
final class Shared<Value: Sendable>: Sendable {
    private let content: Mutex<Value>

    init(_ value: Value) { content = Mutex(value) }

    var value: Value {
        get { content.withLock { $0 } }
        set { content.withLock { $0 = newValue } }
    }

    func withLock(_ body: (inout Value) -> Void) { content.withLock { body(&$0) } }
}

/// The number of descriptors open in the calling thread's table.
func openDescriptorCount() -> Int {
    guard let folder = opendir("/proc/thread-self/fd") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
}

/// A blocking TCP connection outside of any loop.
struct RawClient {
    let descriptor: Int32

    init(to address: SocketAddress) throws {
        descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        let client = descriptor
        try #require(address.withSockaddr { connect(client, $0, $1) } == 0)
    }

    func send(_ bytes: [UInt8]) throws {
        try #require(Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
    }

    /// Closes with a RST instead of a FIN.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        Glibc.close(descriptor)
    }

    func close() { Glibc.close(descriptor) }
}

/// A stream of a loop whose other end is a `RawClient`.
struct HalfPair {
    let client: RawClient
    let stream: Stream
    let recorder = Recorder()

    init(on loop: EventLoop) throws {
        var stream: Stream?
        let recorder = recorder
        let listener = try Listener(loop: loop, address: .loopback(port: 0)) { accepted in
            stream = Stream(loop: loop, accepted: accepted, delegate: recorder)
            loop.stop()
        }
        client = try RawClient(to: listener.localAddress)
        run(loop)
        listener.close()
        self.stream = try #require(stream)
    }
}

/// What workers wait at until a test lets them go.
final class Gate: Sendable {
    private let ends: (reader: Int32, writer: Int32)

    init() {
        var descriptors: [Int32] = [0, 0]
        precondition(pipe(&descriptors) == 0)
        ends = (descriptors[0], descriptors[1])
    }

    /// Waits for one `open`.
    func pass() {
        var byte: UInt8 = 0
        _ = SystemCall.retrying { read(ends.reader, &byte, 1) }
    }

    func open() {
        var byte: UInt8 = 0
        _ = SystemCall.retrying { write(ends.writer, &byte, 1) }
    }

    deinit {
        close(ends.reader)
        close(ends.writer)
    }
}
