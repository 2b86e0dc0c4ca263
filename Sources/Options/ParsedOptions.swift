/// The options and operands of one run. Getters give nil for an option that wasn't given; their
/// errors name where the value came from. Asking for a name that isn't an option gives nil too.
package struct ParsedOptions: Sendable {
    /// What isn't an option, in order.
    package internal(set) var operands: [String] = []
    private var given: [String: [(value: String, source: OptionSource)]] = [:]

    var givenNames: Set<String> { Set(given.keys) }

    mutating func set(_ option: Option, _ value: String, _ source: OptionSource) {
        if option.repeatable {
            given[option.long, default: []].append((value, source))
        } else {
            given[option.long] = [(value, source)]
        }
    }

    /// Given anywhere, with whatever value.
    package func isPresent(_ name: String) -> Bool { given[name] != nil }

    package var wantsHelp: Bool { isPresent("help") }

    package var wantsVersion: Bool { isPresent("version") }

    /// `on`, `yes`, `true`, `1` or their opposites; false when not given.
    package func flag(_ name: String) throws(OptionError) -> Bool {
        guard let last = given[name]?.last else { return false }
        switch last.value {
        case "on", "yes", "true", "1": return true
        case "off", "no", "false", "0": return false
        default: throw wrong(last.source, last.value, "it is either `on` or `off`")
        }
    }

    package func string(_ name: String) -> String? { given[name]?.last?.value }

    /// All values of a repeatable option, in order.
    package func strings(_ name: String) -> [String] { given[name]?.map(\.value) ?? [] }

    package func integer(
        _ name: String, in range: ClosedRange<Int>
    ) throws(OptionError) -> Int? {
        guard let (value, source) = given[name]?.last else { return nil }
        guard let number = Int(value), range.contains(number) else {
            let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
            throw wrong(source, value, "it must be \(expected)")
        }
        return number
    }

    /// One of the given words.
    package func choice(_ name: String, of words: [String]) throws(OptionError) -> String? {
        guard let (value, source) = given[name]?.last else { return nil }
        guard words.contains(value) else {
            let expected = words.map { "`\($0)`" }.joined(separator: ", ")
            throw wrong(source, value, "it is one of \(expected)")
        }
        return value
    }

    /// A number with `ms`, `s`, `m`, `h` or `d`; without a unit, seconds. The number may have
    /// decimals: `1.5h`.
    package func duration(_ name: String) throws(OptionError) -> Duration? {
        guard let (value, source) = given[name]?.last else { return nil }
        let units: [(String, Double)] = [
            ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("", 1),
        ]
        // A century: more is a slip, and would overflow clocks further on.
        guard let seconds = Quantity.parse(value, units: units), seconds <= 3_155_760_000 else {
            throw wrong(source, value, "it is a time such as `500ms`, `30s`, `5m`, `2h` or `1d`")
        }
        return .milliseconds(Int64((seconds * 1000).rounded()))
    }

    /// Bytes: a number with `K`, `M`, `G` or `T` (powers of 1024, `KiB` and `KB` read the same).
    package func size(_ name: String) throws(OptionError) -> Int64? {
        guard let (value, source) = given[name]?.last else { return nil }
        // 8 PiB: exact in a Double, and more than a file may have.
        guard let bytes = Quantity.parse(value, units: Quantity.byteUnits),
            bytes <= 9_007_199_254_740_992
        else {
            throw wrong(source, value, "it is a size such as `65536`, `64K`, `16M` or `1G`")
        }
        return Int64(bytes.rounded())
    }

    /// A limit in bytes a second; `off`, and not being given, is none.
    package func rate(_ name: String) throws(OptionError) -> ByteRate? {
        guard let (value, source) = given[name]?.last else { return nil }
        do {
            return try ByteRate.limit(parsing: value)
        } catch {
            throw wrong(source, value, error.message)
        }
    }

    /// An error about an option's value, for checks that the program makes itself.
    package func error(_ name: String, _ problem: String) -> OptionError {
        guard let (value, source) = given[name]?.last else {
            return OptionError("--\(name): \(problem)")
        }
        return wrong(source, value, problem)
    }

    private func wrong(_ source: OptionSource, _ value: String, _ problem: String) -> OptionError {
        OptionError("\(source.name): `\(value)` is not right: \(problem)")
    }
}

enum Quantity {
    /// Powers of 1024, as `KiB`, `KB`, `K` or `k`; `B` or nothing.
    static let byteUnits: [(suffix: String, factor: Double)] = {
        var units: [(String, Double)] = []
        var factor = 1.0
        for letter in ["K", "M", "G", "T"] {
            factor *= 1024
            for unit in ["\(letter)iB", "\(letter)B", letter, letter.lowercased()] {
                units.append((unit, factor))
            }
        }
        return units + [("B", 1), ("", 1)]
    }()

    /// A number that is not negative, times its unit. The first unit that ends the text counts.
    static func parse(_ text: String, units: [(suffix: String, factor: Double)]) -> Double? {
        for unit in units where text.hasSuffix(unit.suffix) {
            let digits = text.dropLast(unit.suffix.count)
            // Double's own reader would take "inf", "0x10" and "1e9" too.
            guard let first = digits.first, first.isASCII, first.isNumber,
                digits.allSatisfy({ $0 == "." || ($0.isASCII && $0.isNumber) }),
                let number = Double(digits)
            else { return nil }
            return number * unit.factor
        }
        return nil
    }
}
