import Certificates
import Reactor
import Wire

/// A user that is logged in at the tracker.
final class Session {
    let userID: String
    /// As the tracker told it last; it may be replaced at any time.
    var passkey: String
    /// Part of each info dictionary's `source`.
    let networkID: String
    let holdings: HoldingsReporter
    let seals: GroupSeals
    /// Tells one run of the tracker from the next, which knows no swarms yet.
    var trackerInstance: String?
    var isTrackerLost = false
    /// When a torrent last announced because a sharer came, so that many sharers cost few announces.
    var lastNudge: [InfoHash: Instant] = [:]
    /// Shares whose file is gone or has changed, by info-hash, with their number of pieces: the
    /// tracker remembers them and is told that there is nothing to be had.
    var unavailable: [InfoHash: Int] = [:]
    /// Shares the tracker has not been told of yet.
    var unregistered: Set<InfoHash> = []

    init(_ response: LoginResponse, node: Node) throws(CommandError) {
        userID = response.userID
        passkey = response.passkey
        networkID = response.networkID
        holdings = HoldingsReporter(node: node)
        do throws(CertificateError) {
            seals = GroupSeals(node: node, key: try PrivateKey())
        } catch {
            throw CommandError("\(error)")
        }
    }

    func stop() {
        holdings.stop()
        seals.stop()
    }
}
