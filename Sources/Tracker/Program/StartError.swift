import Glibc
import Reactor

/// Why the tracker can't start: a sentence that names the thing and the remedy.
struct StartError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    init(listeningOn address: SocketAddress, _ error: SystemError) {
        switch error.code {
        case EADDRINUSE:
            self.init(
                "port \(address.port) of \(address.host) is in use: stop the program that uses it "
                    + "or choose another port")
        case EADDRNOTAVAIL:
            self.init(
                "\(address.host) is no address of this machine: name one of its own, or for all "
                    + "0.0.0.0, or [::] with IPv6")
        case EACCES:
            self.init("port \(address.port) is reserved for root: choose one above 1023")
        default:
            self.init("can't listen on \(address): \(error)")
        }
    }
}
