/// A limit in bytes a second, as people write it: a number with `K`, `M` or `G` (powers of 1024;
/// `KiB`, `KB` and a `/s` behind them read the same), or bytes without any.
package struct ByteRate: Hashable, Sendable {
    package let bytesPerSecond: Int

    /// Less would stop everything, more is no limit to any machine.
    package static let bounds = 1 << 10...1 << 40

    /// Reads a rate, or `off` for none.
    package static func limit(parsing text: String) throws(OptionError) -> ByteRate? {
        text == "off" ? nil : try ByteRate(parsing: text)
    }

    private init(parsing text: String) throws(OptionError) {
        let number = text.hasSuffix("/s") ? String(text.dropLast(2)) : text
        guard let value = Quantity.parse(number, units: Quantity.byteUnits) else {
            throw OptionError(
                "it is a number of bytes a second, such as `500K`, `1.5M` or `1G`, or `off`")
        }
        guard value >= Double(Self.bounds.lowerBound) else {
            throw OptionError("the least is `1K`; `off` lifts the limit")
        }
        guard value <= Double(Self.bounds.upperBound) else {
            throw OptionError("the most is `1024G`; `off` lifts the limit")
        }
        bytesPerSecond = Int(value.rounded())
    }
}
