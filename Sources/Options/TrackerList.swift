import Glibc

/// One tracker's address: a line of `tracker_info.txt`, or an argument of the command line.
package struct TrackerAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 or IPv6 address as text, without brackets.
    package var host: String
    /// 1–65535; 0 only where ``init(parsing:allowingPortZero:)`` was told to allow it.
    package var port: UInt16
    /// SHA-256 of the tracker's TLS certificate as 64 lowercase hex digits, when pinned.
    package var certificatePin: String?

    package init(host: String, port: UInt16, certificatePin: String? = nil) {
        self.host = host
        self.port = port
        self.certificatePin = certificatePin
    }

    /// Parses `IP:PORT` or `[IPv6]:PORT`.
    ///
    /// - Parameter allowingPortZero: whether port 0 ("any free port") is accepted.
    package init(parsing text: String, allowingPortZero: Bool = false) throws(TrackerListError) {
        guard let colon = text.lastIndex(of: ":") else {
            throw TrackerListError("'\(text)' is not IP:PORT, for example 192.0.2.1:6969")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw TrackerListError("'\(text)': write an IPv6 address as [ADDRESS]:PORT")
        }
        try self.init(
            host: String(host), portText: String(text[text.index(after: colon)...]),
            allowingPortZero: allowingPortZero)
    }

    init(host: String, portText: String, allowingPortZero: Bool = false) throws(TrackerListError) {
        guard Self.isAddress(host) else {
            throw TrackerListError("'\(host)' is not an IPv4 or IPv6 address")
        }
        let digitsOnly = !portText.isEmpty && portText.utf8.allSatisfy { (48...57).contains($0) }
        guard digitsOnly, let port = UInt16(portText), port > 0 || allowingPortZero else {
            let lowest = allowingPortZero ? 0 : 1
            throw TrackerListError("'\(portText)' is not a port (\(lowest)-65535)")
        }
        self.init(host: host, port: port)
    }

    /// `IP:PORT`, or `[IPv6]:PORT`.
    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func isAddress(_ text: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1
    }
}

/// Why a tracker list or an address was refused; the line is given where it came from a file.
package struct TrackerListError: Error, Hashable, Sendable, CustomStringConvertible {
    package var line: Int?
    package var message: String

    package init(_ message: String, line: Int? = nil) {
        self.message = message
        self.line = line
    }

    package var description: String {
        line.map { "line \($0): \(message)" } ?? message
    }
}

/// The trackers of a network, as `tracker_info.txt` lists them.
///
/// One tracker a line, `IP PORT` or `IP:PORT`, optionally followed by `sha256:HEX`, the SHA-256
/// of that tracker's TLS certificate. `#` begins a comment; blank lines don't count.
package struct TrackerList: Hashable, Sendable {
    /// In the order of the file, never empty; the N-th tracker is `trackers[N - 1]`.
    package let trackers: [TrackerAddress]

    /// The most trackers a list may name.
    package static let limit = 64

    package init(parsing text: String) throws(TrackerListError) {
        var trackers: [TrackerAddress] = []
        var number = 0
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for line in lines {
            number += 1
            let content = line.prefix { $0 != "#" }
            let fields = content.split { $0 == " " || $0 == "\t" }.map(String.init)
            if fields.isEmpty { continue }
            do throws(TrackerListError) {
                let tracker = try Self.tracker(fields)
                if let twin = trackers.firstIndex(where: { $0.isSamePlace(as: tracker) }) {
                    throw TrackerListError("\(tracker) is already tracker \(twin + 1)")
                }
                trackers.append(tracker)
            } catch {
                throw TrackerListError(error.message, line: number)
            }
            if trackers.count > Self.limit {
                throw TrackerListError("more than \(Self.limit) trackers", line: number)
            }
        }
        if trackers.isEmpty {
            throw TrackerListError("no tracker listed; write one 'IP PORT' a line")
        }
        self.trackers = trackers
    }

    private static func tracker(_ fields: [String]) throws(TrackerListError) -> TrackerAddress {
        var rest = fields[...]
        let first = rest.removeFirst()
        var tracker: TrackerAddress
        // `IP PORT` when a second field is there and isn't the pin; an IPv6 address may then
        // stand without brackets.
        if let second = rest.first, !second.hasPrefix("sha256:") {
            rest.removeFirst()
            tracker = try TrackerAddress(host: first, portText: second)
        } else {
            tracker = try TrackerAddress(parsing: first)
        }
        if let pin = rest.popFirst() {
            tracker.certificatePin = try certificatePin(pin)
        }
        if let extra = rest.first {
            throw TrackerListError("'\(extra)' is one field too many")
        }
        return tracker
    }

    private static func certificatePin(_ field: String) throws(TrackerListError) -> String {
        guard field.hasPrefix("sha256:") else {
            throw TrackerListError("'\(field)' is not sha256:HEX")
        }
        let hex = field.dropFirst("sha256:".count).lowercased()
        guard hex.utf8.count == 64, hex.utf8.allSatisfy(Self.isHexDigit) else {
            throw TrackerListError("'\(field)' needs 64 hex digits after sha256:")
        }
        return hex
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...102).contains(byte)
    }
}

extension TrackerAddress {
    fileprivate func isSamePlace(as other: TrackerAddress) -> Bool {
        host == other.host && port == other.port
    }
}
