/// A small, fast generator whose whole sequence follows from its seed (SplitMix64 by Steele,
/// Lea and Flood, 2014), so that a run can be repeated. Not for secrets.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number in `0..<bound`, without the modulo's division. `bound` must be positive.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "an empty range has no random member")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }
}
