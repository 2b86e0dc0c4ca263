/// Randomness that nobody can guess, good for secrets: the system's, as
/// `SystemRandomNumberGenerator` draws it.
///
/// It has a field where the standard library's has none. A value without any has no address, and
/// where one is passed `inout` ThreadSanitizer looks at whatever the register held, and crashes.
package struct SystemRandomness: RandomNumberGenerator, Sendable {
    /// What was drawn last.
    private var word: UInt64 = 0

    package init() {}

    package mutating func next() -> UInt64 {
        word = .random(in: .min ... .max)
        return word
    }
}
