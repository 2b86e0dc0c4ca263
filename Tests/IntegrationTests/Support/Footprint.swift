import Foundation

/// What a running program has of the machine (proc(5)).
struct Footprint: CustomStringConvertible {
    /// Resident memory that isn't a file's, in bytes.
    let anonymous: Int
    /// Open descriptors.
    let descriptors: Int

    /// - Parameter pid: of a program that runs.
    init(of pid: pid_t) throws {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        guard let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw SpawnError(description: "process \(pid) has no RssAnon") }
        anonymous = kibibytes << 10
        descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    var description: String { "\(anonymous >> 10) KiB, \(descriptors) descriptors" }
}

extension PeerProcess {
    func footprint() throws -> Footprint { try Footprint(of: process.pid) }

    /// Waits until no more descriptors are open than before.
    func descriptors(
        fallTo count: Int, within limit: Duration = .seconds(30)
    ) async throws {
        try await eventually(
            "at most \(count) descriptors", within: limit, context: process.transcript
        ) { try footprint().descriptors <= count }
    }
}
