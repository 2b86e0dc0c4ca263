/// Who is at fault for a piece that failed its hash.
///
/// Who sent all of it is. Several senders come under suspicion: each then gets pieces for itself
/// alone ("parole") until one is good, so that who corrupts always is soon a sole sender. Who
/// behaves on parole and corrupts among others gathers suspicion faster than any of them.
enum Blame {
    /// Failed pieces with a part of one's own before one is convicted by comparison.
    static let convictionThreshold = 4

    /// Counts the failure and returns the peer whose fault it is beyond doubt, if any.
    static func convict(_ contributors: [PeerRecord]) -> PeerRecord? {
        for record in contributors { record.suspicion += 1 }
        guard contributors.count > 1 else { return contributors.first }
        for record in contributors { record.isOnParole = true }
        let ranked = contributors.sorted { ($1.suspicion, $0.id) < ($0.suspicion, $1.id) }
        let isClear = ranked[0].suspicion >= 2 * ranked[1].suspicion
        return isClear && ranked[0].suspicion >= convictionThreshold ? ranked[0] : nil
    }

    /// Counts a good piece: a sole sender on parole has proven itself. Returns whether one has.
    static func acquit(_ contributors: [PeerRecord]) -> Bool {
        guard contributors.count == 1, contributors[0].isOnParole else { return false }
        contributors[0].isOnParole = false
        return true
    }
}
