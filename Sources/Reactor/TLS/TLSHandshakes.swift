/// The handshakes that go on at a time, of all addresses and of each.
///
/// A stranger's handshake costs this end a signature and some memory: who begins many and ends none
/// takes up what one address may, and no other's part. On the loop's thread only.
package final class TLSHandshakes {
    private let limit: Int
    private let limitPerAddress: Int
    private var counts: [SocketAddress: Int] = [:]
    package private(set) var count = 0

    package init(limit: Int = 1000, perAddress: Int = 100) {
        self.limit = limit
        limitPerAddress = perAddress
    }

    /// False: there are too many already.
    func begin(from address: SocketAddress) -> Bool {
        let address = address.origin
        let ofAddress = counts[address, default: 0]
        guard count < limit, ofAddress < limitPerAddress else { return false }
        counts[address] = ofAddress + 1
        count += 1
        return true
    }

    func end(from address: SocketAddress) {
        let address = address.origin
        guard let ofAddress = counts[address] else { return }
        counts[address] = ofAddress == 1 ? nil : ofAddress - 1
        count -= 1
    }
}
