import Reactor

/// Connections whose handshake hasn't come yet, by where they come from.
///
/// Who opens many and says nothing takes up what one address may: beyond it the address loses its
/// oldest to its next, so that one of a campus keeps none of the others out, whose handshakes come
/// within a round trip or two. Where all connections are taken, and many of them by such, the address
/// that has the most loses its oldest to who comes.
struct WaitingHandshakes<Handshake: AnyObject> {
    private struct Entry {
        let number: UInt64
        let handshake: Handshake
    }

    private let limitPerAddress: Int
    /// The oldest first.
    private var entries: [SocketAddress: [Entry]] = [:]
    private var lastNumber: UInt64 = 0
    private(set) var count = 0

    /// As many are what a crowd needs that comes at once; of one address, and of all.
    static var usual: Int { 50 }

    /// - Parameter connections: that there may be in all; one address may have a tenth waiting.
    init(connections: Int) {
        limitPerAddress = max(Self.usual, connections / 10)
    }

    var all: [Handshake] { entries.values.flatMap { $0.map(\.handshake) } }

    /// - Returns: what has to be closed for it: the oldest of its address, where that has too many.
    mutating func add(_ handshake: Handshake, from address: SocketAddress) -> Handshake? {
        let origin = address.origin
        lastNumber += 1
        count += 1
        entries[origin, default: []].append(Entry(number: lastNumber, handshake: handshake))
        guard let own = entries[origin], own.count > limitPerAddress else { return nil }
        return own[0].handshake
    }

    mutating func remove(_ handshake: Handshake, from address: SocketAddress) {
        let origin = address.origin
        // Most are done soon, the last first.
        guard let own = entries[origin],
            let index = own.lastIndex(where: { $0.handshake === handshake })
        else { return }
        entries[origin]?.remove(at: index)
        if own.count == 1 { entries[origin] = nil }
        count -= 1
    }

    /// What is closed for who comes when there is no room: the oldest of the address with the most;
    /// nil where so few wait that it isn't they who take the room.
    var mostDispensable: Handshake? {
        guard count > Self.usual else { return nil }
        let own = entries.values.max { first, second in
            first.count == second.count
                ? first[0].number > second[0].number : first.count < second.count
        }
        return own?[0].handshake
    }
}
