import Glibc

/// Sizes, rates and times as people read them.
package enum Quantity {
    private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// A number of bytes in binary units with three figures: `0 B`, `1.50 KiB`, `512 MiB`.
    package static func bytes(_ count: Int64) -> String {
        var value = Double(max(0, count))
        var unit = 0
        // 1023.5 would be written as 1024 of the smaller unit.
        while value >= 1023.5, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        if unit == 0 { return "\(Int64(value)) B" }
        let decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        return "\(fixed(value, decimals: decimals)) \(units[unit])"
    }

    /// A rate in bytes a second: `1.25 MiB/s`.
    package static func rate(_ bytesPerSecond: Double) -> String {
        let bounded = bytesPerSecond.isFinite ? min(max(0, bytesPerSecond), 1e18) : 0
        return bytes(Int64(bounded)) + "/s"
    }

    /// A time to come: `0:07`, `12:34`, `1:02:03`, `3d 4h`; nil is `--:--`.
    package static func time(seconds: Double?) -> String {
        guard let seconds, seconds.isFinite, seconds >= 0, seconds < 100 * 86400 else {
            return "--:--"
        }
        let whole = Int(seconds.rounded(.up))
        let (days, hours, minutes) = (whole / 86400, whole / 3600 % 24, whole / 60 % 60)
        if days > 0 { return "\(days)d \(hours)h" }
        let tail = twoDigits(whole % 60)
        if hours > 0 { return "\(hours):\(twoDigits(minutes)):\(tail)" }
        return "\(minutes):\(tail)"
    }

    /// How much of `total` is done, rounded down so that 100 means all of it. Nothing to do is
    /// all done.
    package static func percent(_ done: Int64, of total: Int64) -> Int {
        guard total > 0 else { return 100 }
        return Int(Double(min(max(0, done), total)) / Double(total) * 100)
    }

    private static func twoDigits(_ value: Int) -> String {
        value < 10 ? "0\(value)" : "\(value)"
    }

    private static func fixed(_ value: Double, decimals: Int) -> String {
        var scale = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((value * Double(scale)).rounded())
        if decimals == 0 { return "\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: decimals - fraction.count)
            + fraction
    }
}
