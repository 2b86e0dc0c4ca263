import Foundation

/// What the figures were measured on.
enum Machine {
    static func description() -> String {
        let cpu =
            lines("/proc/cpuinfo").first { $0.hasPrefix("model name") }?
            .split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
        let memory =
            lines("/proc/meminfo").first { $0.hasPrefix("MemTotal") }?
            .split(separator: " ").dropFirst().first.flatMap { Int($0) }
        let cores = ProcessInfo.processInfo.activeProcessorCount
        return "\(cpu ?? "unknown processor"), \(cores) cores, "
            + "\((memory ?? 0) >> 20) GiB, Linux \(text("/proc/sys/kernel/osrelease"))"
    }

    static func text(_ path: String) -> String {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func lines(_ path: String) -> [Substring] { text(path).split(separator: "\n") }
}

/// One congestion control for every program in a comparison: bbr, where it is the default, paces
/// loopback too, at half the rate.
struct CongestionControl {
    private static let path = "/proc/sys/net/ipv4/tcp_congestion_control"
    let inForce: String
    private let before: String

    /// Takes cubic where this process may, else leaves what is there.
    init() {
        before = Machine.text(Self.path)
        if before != "cubic" { Self.set("cubic") }
        inForce = Machine.text(Self.path)
        let congestion = self
        Interruption.whenInterrupted { congestion.restore() }
    }

    func restore() {
        if inForce != before { Self.set(before) }
    }

    private static func set(_ name: String) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, name, name.utf8.count)
        close(descriptor)
    }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return .nan }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}

func fixed(_ value: Double, _ digits: Int) -> String {
    value.isNaN ? "–" : String(format: "%.\(digits)f", value)
}
