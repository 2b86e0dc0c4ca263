import Foundation

/// What a running program has of the machine (proc(5)). Under a sanitizer a part of it is the
/// sanitizer's: shadow memory, and pipes to the program that names functions in its reports.
struct Footprint: CustomStringConvertible {
    /// Resident memory that isn't a file's, in bytes.
    let anonymous: Int
    /// Open descriptors; without pipes where there is a sanitizer.
    let descriptors: Int
    let allDescriptors: Int

    /// - Parameter pid: of a program that runs.
    init(of pid: pid_t) throws {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        guard let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw SpawnError(description: "process \(pid) has no RssAnon") }
        anonymous = (kibibytes << 10) / Self.timesTheMemory
        let folder = "/proc/\(pid)/fd"
        let open = try FileManager.default.contentsOfDirectory(atPath: folder)
        allDescriptors = open.count
        descriptors =
            Sanitizer.inUse == nil ? open.count : open.count { !isPipe("\(folder)/\($0)") }
    }

    /// How much more there is than a program's own, by and large.
    private static var timesTheMemory: Int {
        switch Sanitizer.inUse {
        case nil: 1
        case .address: 2
        case .thread: 4
        }
    }

    var description: String { "\(anonymous >> 10) KiB, \(descriptors) descriptors" }
}

private func isPipe(_ path: String) -> Bool {
    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    return target?.hasPrefix("pipe:") == true
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
