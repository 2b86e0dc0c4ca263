import Wire

/// Somebody who wants to hear how a simulation gets on.
package protocol SwarmObserver: AnyObject {
    func completed(_ piece: Int, by peer: SimulatedPeer, at now: Instant)
}
