import Glibc
import Reactor

/// Tells a service manager such as systemd how the tracker stands: sd_notify(3). Without one
/// nothing is sent.
struct ServiceManager {
    private let path: String?
    /// How often it wants a sign of life; nil: not at all (sd_watchdog_enabled(3)).
    let watchdogInterval: Duration?

    init(environment: [String: String]) {
        path = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
        let isMeant = environment["WATCHDOG_PID"].map { Int32($0) == getpid() } ?? true
        let limit = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        // Twice within the limit, as sd_watchdog_enabled(3) advises.
        watchdogInterval = isMeant && limit > 1 ? .microseconds(limit / 2) : nil
    }

    func ready(_ status: String) { send("READY=1\nSTATUS=\(status)") }

    func stopping() { send("STOPPING=1") }

    /// To be followed by `ready`.
    func reloading() {
        send("RELOADING=1\nMONOTONIC_USEC=\(MonotonicTime.current.nanoseconds / 1000)")
    }

    func isAlive() { send("WATCHDOG=1") }

    /// A manager that doesn't take it is none of the tracker's business.
    private func send(_ text: String) {
        guard let path else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A name that begins with `@` is in the abstract name space, where that byte is 0.
        var name = Array(path.utf8)
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + name.count
        let bytes = Array(text.utf8)
        _ = withUnsafeBytes(of: &address) {
            sendto(
                descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL),
                $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(length))
        }
    }
}
