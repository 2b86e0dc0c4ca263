import Reactor
import Wire

// Reactor and Wire each have an address of their own, since neither may import the other.

extension SocketAddress {
    init(_ endpoint: Endpoint) {
        self = endpoint.withSockaddr { pointer, _ in
            guard let address = SocketAddress(pointer) else {
                preconditionFailure("an endpoint is IPv4 or IPv6")
            }
            return address
        }
    }
}

extension Endpoint {
    init(_ address: SocketAddress) {
        self = address.withSockaddr { pointer, _ in
            guard let endpoint = Endpoint(pointer) else {
                preconditionFailure("a socket of this program is IPv4 or IPv6")
            }
            return endpoint
        }
    }
}
