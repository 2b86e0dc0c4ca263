import Reactor
import Wire

/// The proxies that are believed when they say whom they speak for.
struct TrustedProxies: Sendable {
    private let addresses: Set<IPAddress>

    init(_ addresses: Set<IPAddress> = []) { self.addresses = addresses }

    var isEmpty: Bool { addresses.isEmpty }

    func contain(_ address: IPAddress) -> Bool { addresses.contains(address) }

    /// Where a request comes from: the other end of its connection, or, where that is a trusted
    /// proxy, the last address of `X-Forwarded-For` that is no trusted proxy's.
    func client(of request: HTTPRequest, on exchange: HTTPExchange) -> IPAddress {
        let direct = exchange.connection.address
        guard !addresses.isEmpty, addresses.contains(direct),
            let chain = request.header("x-forwarded-for")
        else { return direct }
        for text in chain.split(separator: ",").reversed() {
            // Not an address: what is before it may be anybody's invention.
            guard let address = IPAddress(text.trimmingSpaces) else { return direct }
            if !addresses.contains(address) { return address }
        }
        return direct
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = drop(while: isSpace)
        guard let last = start.lastIndex(where: { !isSpace($0) }) else {
            return start[..<start.startIndex]
        }
        return start[...last]
    }
}
