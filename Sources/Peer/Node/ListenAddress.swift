import Glibc
import Reactor
import Wire

/// Where a peer listens.
package enum ListenAddress: Hashable, Sendable {
    /// Every address of the machine, IPv4 and IPv6, at one port; port 0 takes a free one.
    case everywhere(port: UInt16)
    /// This address alone, be it one that stands for all of its family.
    case at(Endpoint)

    package var port: UInt16 {
        switch self {
        case .everywhere(let port): port
        case .at(let endpoint): endpoint.port
        }
    }

    package func with(port: UInt16) -> ListenAddress {
        switch self {
        case .everywhere: .everywhere(port: port)
        case .at(let endpoint): .at(Endpoint(address: endpoint.address, port: port))
        }
    }

    /// Free ports of IPv4 whose IPv6 counterpart is taken, before it is given up.
    private static let maximumTries = 20

    /// Begins to listen: one listener, or one of each family with the same port. A machine without
    /// IPv6 listens on IPv4.
    func listeners(
        on loop: EventLoop, onAccept: @escaping Listener.AcceptHandler
    ) throws(CommandError) -> [Listener] {
        switch self {
        case .at(let endpoint):
            return [try Self.listener(on: loop, SocketAddress(endpoint), onAccept)]
        case .everywhere(let port):
            var tries = 0
            while true {
                tries += 1
                let ipv4 = try Self.listener(on: loop, .any(port: port), onAccept)
                let address = SocketAddress.any6(port: ipv4.localAddress.port)
                do throws(SystemError) {
                    return [ipv4, try Listener(loop: loop, address: address, onAccept: onAccept)]
                } catch {
                    if [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.code) { return [ipv4] }
                    ipv4.close()
                    if port == 0, error.code == EADDRINUSE, tries < Self.maximumTries { continue }
                    throw Self.failure(address, error)
                }
            }
        }
    }

    private static func listener(
        on loop: EventLoop, _ address: SocketAddress, _ onAccept: @escaping Listener.AcceptHandler
    ) throws(CommandError) -> Listener {
        do throws(SystemError) {
            return try Listener(loop: loop, address: address, onAccept: onAccept)
        } catch {
            throw failure(address, error)
        }
    }

    private static func failure(_ address: SocketAddress, _ error: SystemError) -> CommandError {
        switch error.code {
        case EADDRINUSE:
            CommandError(
                "port \(address.port) of \(address.host) is in use: stop the program that"
                    + " listens there or name another port", .networkProblem)
        case EACCES:
            CommandError(
                "port \(address.port) may not be used: permission denied", .networkProblem)
        case EADDRNOTAVAIL:
            CommandError("\(address.host) is no address of this machine", .networkProblem)
        default:
            CommandError("can't listen on \(address): \(error)", .networkProblem)
        }
    }
}
