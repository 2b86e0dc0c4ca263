import Certificates
import Testing

@testable import Reactor

/// A key pair with a certificate that it signed itself.
struct TestIdentity {
    let certificate: Certificate
    let identity: TLSIdentity

    init() throws {
        let key = try PrivateKey()
        certificate = try Certificate.selfSigned(name: "test", key: key, days: 1)
        identity = TLSIdentity(certificates: try certificate.pem(), key: try key.pem())
    }
}

/// Two streams of one loop that speak TLS with each other.
struct TLSPair {
    let pair: Pair
    let identity: TestIdentity

    var client: Stream { pair.client }
    var clientSide: Recorder { pair.clientSide }
    var server: Stream { pair.server }
    var serverSide: Recorder { pair.serverSide }

    init(on loop: EventLoop, sendBuffer: Int32? = nil, inKernel: Bool = false) throws {
        pair = try Pair(on: loop, sendBuffer: sendBuffer)
        identity = try TestIdentity()
        pair.server.secure(
            with: try TLSContext(.server, presenting: identity.identity), inKernel: inKernel)
        pair.client.secure(with: try TLSContext(.client), inKernel: inKernel)
        pair.clientSide.onConnect = { _ in loop.stop() }
        run(loop)
        pair.clientSide.onConnect = { _ in }
    }
}

/// Programs take their time to start on a busy machine.
private let patience = Duration.seconds(60)

/// Turns `loop` until the recorder's stream has closed.
func runUntilClosed(_ loop: EventLoop, _ recorder: Recorder) {
    recorder.onClose = { _ in loop.stop() }
    if recorder.closeReasons.isEmpty { run(loop, limit: patience) }
    recorder.onClose = { _ in }
}

/// Turns `loop` until the recorder has received so many bytes.
func run(_ loop: EventLoop, untilReceived count: Int, by recorder: Recorder) {
    recorder.onReceive = { _ in
        if recorder.receivedCount >= count { loop.stop() }
    }
    if recorder.receivedCount < count { run(loop, limit: patience) }
    recorder.onReceive = { _ in }
}
