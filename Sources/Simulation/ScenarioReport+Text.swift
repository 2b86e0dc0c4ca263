import PeerCore

extension ScenarioReport {
    /// The figures for people.
    package func text(of scenario: Scenario) -> String {
        var lines = [
            scenario.title,
            "bound \(rounded(bound, 1)) s, last \(rounded(last, 1)) s: \(rounded(ratio, 3)) times",
            "duplicates \(percent(duplicates)), corrupt \(percent(corrupt)) of what came",
        ]
        for group in groups {
            let shares = group.shareRatios.map { rounded($0, 2) }.joined(separator: ", ")
            lines.append(
                "\(group.name), \(group.count): complete after \(rounded(group.mean, 1)) s on "
                    + "average, \(rounded(group.first, 1)) to \(rounded(group.last, 1)); "
                    + "given by taken, 5th, 50th, 95th of a hundred: \(shares)")
        }
        if let bans {
            lines.append("corrupters met twice \(bans.met) times, banned \(bans.banned) times")
        }
        lines += violations
        lines.append("\(eventCount) events, trace hash \(hex(traceHash))")
        return lines.joined(separator: "\n")
    }

    private func percent(_ part: Double) -> String { rounded(part * 100, 2) + "%" }
}

/// A number with so many digits behind the point.
package func rounded(_ number: Double, _ digits: Int) -> String {
    var factor = 1.0
    for _ in 0..<digits { factor *= 10 }
    let scaled = Int((abs(number) * factor).rounded())
    let (whole, rest) = scaled.quotientAndRemainder(dividingBy: Int(factor))
    let sign = number < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return sign + "\(whole)" }
    let tail = String(rest)
    return sign + "\(whole)." + String(repeating: "0", count: digits - tail.count) + tail
}

/// Sixteen digits.
package func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
