/// What a peer of the simulation does to others.
package enum SimulatedBehavior: Equatable, Sendable {
    case honest
    /// Every block it sends has a wrong byte.
    case corrupting
    /// One block in so many has a wrong byte: what it sends alone may be right.
    case corruptingSome(every: Int)
    /// Stops sending, but stays connected, after so many blocks.
    case stalling(afterBlocks: Int)
    /// Sends next to nothing, a byte at a time, after so many blocks.
    case trickling(afterBlocks: Int)
    /// Ends the connection in the middle of a block, after so many.
    case hangingUp(afterBlocks: Int)
    /// Sends bytes that are no messages, after so many blocks.
    case garbling(afterBlocks: Int)
    /// Says it has everything, and rejects whatever it is asked for.
    case rejecting
    /// Says it has everything, and answers with silence, a rejection or garbage in turn.
    case lying
    /// Sends every block once more, unasked.
    case repeating
    /// Takes what it gets, and never lets anybody ask for anything.
    case freeRiding

    /// Whether a swarm may count on what such a peer says it has, and on its keeping to BEP 3.
    package var isHonest: Bool { self == .honest || self == .freeRiding }

    /// Whether a swarm may ban such a peer for a corrupt piece.
    package var isCorrupting: Bool {
        switch self {
        case .corrupting, .corruptingSome, .lying: true
        case .honest, .stalling, .trickling, .hangingUp, .garbling, .rejecting, .repeating,
            .freeRiding:
            false
        }
    }
}
