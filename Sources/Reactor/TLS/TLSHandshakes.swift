/// The handshakes that go on at a time, of all addresses and of each.
///
/// A stranger's handshake costs this end a signature and some memory: who begins many and ends none
/// takes up what one address may. Where all places are taken, the address that has the most loses its
/// oldest to who comes, so that many addresses together keep nobody out either: who means it is done
/// in a round trip or two. On the loop's thread only.
package final class TLSHandshakes {
    /// One that goes on, as long as this is held and it needn't make room.
    final class Place {
        private let handshakes: TLSHandshakes
        private let origin: SocketAddress
        fileprivate let number: UInt64
        /// Ends the handshake, whose place another takes.
        fileprivate let makeRoom: () -> Void

        fileprivate init(
            _ handshakes: TLSHandshakes, _ origin: SocketAddress, number: UInt64,
            makeRoom: @escaping () -> Void
        ) {
            self.handshakes = handshakes
            self.origin = origin
            self.number = number
            self.makeRoom = makeRoom
        }

        deinit { handshakes.end(number, of: origin) }
    }

    private let limit: Int
    private let limitPerAddress: Int
    /// The oldest first.
    private var places: [SocketAddress: [Unowned]] = [:]
    private var lastNumber: UInt64 = 0
    package private(set) var count = 0

    private struct Unowned {
        let number: UInt64
        unowned let place: Place
    }

    package init(limit: Int = 1000, perAddress: Int = 100) {
        self.limit = limit
        limitPerAddress = perAddress
    }

    /// Nil: there are too many of the address already.
    func begin(from address: SocketAddress, makeRoom: @escaping () -> Void) -> Place? {
        let origin = address.origin
        guard places[origin, default: []].count < limitPerAddress else { return nil }
        if count >= limit { takeFromLargest() }
        lastNumber += 1
        let place = Place(self, origin, number: lastNumber, makeRoom: makeRoom)
        places[origin, default: []].append(Unowned(number: lastNumber, place: place))
        count += 1
        return place
    }

    private func takeFromLargest() {
        let most = places.values.map(\.count).max() ?? 0
        let oldest = places.filter { $0.value.count == most }
            .min { $0.value[0].number < $1.value[0].number }
        guard let oldest else { return }
        let place = oldest.value[0].place
        end(place.number, of: oldest.key)
        place.makeRoom()
    }

    private func end(_ number: UInt64, of origin: SocketAddress) {
        guard let index = places[origin]?.firstIndex(where: { $0.number == number }) else { return }
        places[origin]?.remove(at: index)
        if places[origin]?.isEmpty == true { places[origin] = nil }
        count -= 1
    }
}
