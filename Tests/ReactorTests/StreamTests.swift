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
}
