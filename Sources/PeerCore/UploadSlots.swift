/// How many peers are unchoked at a time: as many as the uplink serves at a rate worth having.
///
/// Nobody tells how fast the uplink is; it shows by what peers take. There are few slots at first,
/// and while peers wait, at each look as many as the rate affords: on a local network everyone is
/// unchoked within a second.
///
/// A lower rate has one of two causes, the uplink or the peers, which a trial of one round tells
/// apart. Where slots get less than `slotRate` each, there are half as many: if the rate stays,
/// the uplink was the cause, and they stay as few. Else there are twice as many as before. Where
/// slots get enough and others wait, there are twice as many: as many stay as the rate affords then.
/// Slots that were given because nobody asked for anything go back once somebody does.
struct UploadSlots {
    /// What was seen in the last seconds, or in the last round.
    struct Load {
        /// What the peers took, in bytes a second, but for what went into sockets' buffers.
        var rate: Double
        /// Whether they took anything at all.
        var isMoving: Bool
        /// Peers that hold a slot.
        var holding: Int
        /// Whether peers wait for one.
        var isWanted: Bool
    }

    private enum State {
        /// Exits: `fewer`, `more`.
        case steady
        /// A trial with half as many as before. Exits: `steady`.
        case fewer(before: Load)
        /// A trial with twice as many as before. Exits: `steady`.
        case more(before: Load)
    }

    private(set) var count: Int
    private let isFixed: Bool
    private let minimum: Int
    private let slotRate: Double
    /// The user's limit of all uploads, in bytes a second.
    private var limit: Int?
    private var state = State.steady
    /// How many there were before some were given because nobody asked for anything; nil while
    /// there are none of these.
    private var countWhenAsked: Int?
    /// Rounds until the next trial, and what they will be after one more that brought nothing.
    private var rest = 0
    private var nextRest = 1

    private static let maximumRest = 32

    init(_ configuration: SwarmConfiguration) {
        isFixed = configuration.uploadSlots != nil
        count = configuration.uploadSlots ?? configuration.initialSlots
        minimum = configuration.minimumSlots
        slotRate = Double(configuration.slotRate)
    }

    /// Bounds the slots by what the user allows to be uploaded; nil for no limit.
    mutating func setLimit(_ bytesPerSecond: Int?) {
        limit = bytesPerSecond
        setCount(count)
    }

    /// A look between rounds, while peers wait: there may be more, never fewer.
    mutating func look(_ load: Load) {
        if load.isMoving { setCount(max(count, affordable(load))) } else { giveIdle(load) }
    }

    /// Nobody asks for anything: those who wait may.
    private mutating func giveIdle(_ load: Load) {
        if countWhenAsked == nil { countWhenAsked = count }
        setCount(max(count, load.holding * 2))
    }

    mutating func endRound(_ load: Load) {
        if let before = countWhenAsked, load.rate > 0 {
            // What is asked for now would be spread over all of them.
            countWhenAsked = nil
            state = .steady
            return setCount(min(count, max(before, affordable(load))))
        }
        switch state {
        case .steady:
            if rest > 0 { rest -= 1 } else { tryAnother(load) }
        case .fewer(let before):
            state = .steady
            let wereSlow = load.rate < 0.75 * before.rate
            if wereSlow { setCount(before.holding * 2) }
            takeRest(isShort: !wereSlow)
        case .more(let before):
            state = .steady
            let isFaster = load.rate > 1.25 * before.rate
            // A rate that rises by itself, as while peers get their first pieces, doesn't show that
            // it has risen with the slots: there are as many as it affords, and no more.
            setCount(max(before.holding, affordable(load)))
            takeRest(isShort: isFaster)
        }
    }

    private mutating func tryAnother(_ load: Load) {
        guard load.rate > 0 else {
            // Nothing moves at all: it can't get worse, and others may take what these don't.
            if load.isWanted, !load.isMoving { giveIdle(load) }
            return
        }
        let affordable = affordable(load)
        if load.holding > affordable + affordable / 2 {
            state = .fewer(before: load)
            setCount(max(affordable, load.holding / 2))
        } else if load.isWanted {
            state = .more(before: load)
            setCount(max(affordable, load.holding * 2))
        }
    }

    private mutating func takeRest(isShort: Bool) {
        if isShort { nextRest = 1 }
        rest = isShort ? 0 : nextRest
        nextRest = min(nextRest * 2, Self.maximumRest)
    }

    private func affordable(_ load: Load) -> Int { slots(for: load.rate) }

    private func slots(for rate: Double) -> Int { max(minimum, Int(rate / slotRate)) }

    private mutating func setCount(_ wanted: Int) {
        guard !isFixed else { return }
        count = max(minimum, min(wanted, limit.map { slots(for: Double($0)) } ?? .max))
    }
}
