import Wire

/// How often addresses may do something: so often a second each, and a number at once.
///
/// Kept is one moment for each address: when it will have its whole burst again ("generic cell rate
/// algorithm", ITU-T I.371). Whoever has it again already needs no entry: two tables take turns,
/// and the older one is thrown away as a whole once all in it have theirs.
package struct AddressRates: Sendable {
    private let interval: Int64
    private let burst: Int64
    private let mostAddresses: Int
    private var recent: [AddressKey: Int64] = [:]
    private var older: [AddressKey: Int64] = [:]
    private var turn: Int64 = 0

    /// - Parameters:
    ///   - perSecond: for each address; at least 1 in 1,000 s.
    ///   - burst: how many it may do at once, having done nothing before.
    ///   - mostAddresses: of one table; those who come when it is full aren't counted.
    package init(perSecond: Double, burst: Int, mostAddresses: Int = 100_000) {
        precondition(perSecond >= 0.001 && burst > 0, "nobody could do anything")
        interval = max(1, Int64(1e9 / perSecond))
        self.burst = Int64(burst)
        self.mostAddresses = mostAddresses
    }

    /// Counts one, if the address may do it now.
    /// - Returns: nil where it may; else after how long it may again.
    package mutating func take(_ address: IPAddress, at now: Instant) -> Duration? {
        let now = now.nanoseconds
        takeTurns(at: now)
        let key = AddressKey(address)
        if let place = recent.index(forKey: key) {
            let whole = max(recent.values[place], now)
            if let wait = wait(until: whole, at: now) { return wait }
            recent.values[place] = whole + interval
            return nil
        }
        let whole = max(older[key] ?? now, now)
        if let wait = wait(until: whole, at: now) { return wait }
        if recent.count < mostAddresses { recent[key] = whole + interval }
        return nil
    }

    /// Of who has its whole burst again at `whole`.
    private func wait(until whole: Int64, at now: Int64) -> Duration? {
        let wait = whole - now - (burst - 1) * interval
        return wait > 0 ? .nanoseconds(wait) : nil
    }

    /// Takes one back that shouldn't count after all.
    package mutating func giveBack(_ address: IPAddress) {
        let key = AddressKey(address)
        guard let whole = recent[key] ?? older[key] else { return }
        if recent.count < mostAddresses || recent[key] != nil { recent[key] = whole - interval }
    }

    /// Addresses in the tables, those that are in both twice.
    package var entryCount: Int { recent.count + older.count }

    /// Nobody lacks more than a burst: after that time an entry of the older table says nothing.
    private mutating func takeTurns(at now: Int64) {
        guard now >= turn else { return }
        turn = now + burst * interval
        older = recent
        recent = [:]
    }
}
