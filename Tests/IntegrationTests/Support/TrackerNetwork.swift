import Foundation
import Synchronization
import Wire

/// Several trackers of one list over one store, and peers that know them all.
final class TrackerNetwork: Sendable {
    let scratch: Scratch
    let list: String
    private let ports: [UInt16]
    private let options: [String]
    private let running: Mutex<[TrackerProcess]>

    /// - Parameters:
    ///   - count: of the list.
    ///   - starting: how many of them are started; nil are all.
    init(trackers count: Int, starting: Int? = nil, options: [String] = []) async throws {
        scratch = try Scratch()
        let ports = try (0..<count).map { _ in try freePort() }
        (self.ports, self.options) = (ports, options)
        list = try scratch.text(
            "tracker_info.txt", ports.map { "127.0.0.1 \($0)\n" }.joined())
        running = Mutex([])
        for number in 1...(starting ?? count) {
            let (list, home) = (list, scratch("home"))
            // On a busy machine a database may not answer in time, which ends a start.
            let tracker = try await eventually("tracker \(number)", within: .seconds(60)) {
                try? await TrackerProcess(list: list, number: number, home: home, options: options)
            }
            running.withLock { $0.append(tracker) }
        }
    }

    /// Where all of them keep their state, by default.
    var dataFolder: String { scratch("home/.local/state/mtorrent-tracker/\(ports[0])") }

    var trackers: [TrackerProcess] { running.withLock { $0 } }

    /// Ends the tracker as SIGKILL does.
    func kill(_ place: Int) throws { trackers[place].process.kill() }

    /// Starts one again that was killed, or the next one of the list.
    func start(_ place: Int) async throws {
        let tracker = try await TrackerProcess(
            list: list, number: place + 1, home: scratch("home"), options: options)
        running.withLock { trackers in
            if place < trackers.count {
                trackers[place] = tracker
            } else {
                trackers.append(tracker)
            }
        }
    }

    /// A peer whose user has an account and is logged in.
    /// - Parameter tracker: nil are all of the list.
    func member(
        _ user: String, options: [String] = [], at tracker: String? = nil
    ) async throws -> PeerProcess {
        let peer = try await PeerProcess(
            tracker: tracker ?? list, dataFolder: scratch("state-\(user)"), options: options)
        try await peer.insist("create_user \(user) 'correct horse'")
        try await peer.insist("login \(user) 'correct horse'")
        return peer
    }

    /// Alice and Bob in the group `readers`, with a file that Alice shares.
    func pair(
        size: Int, kind: GroupKind = .open, leecherOptions: [String] = []
    ) async throws -> Network.Pair {
        let alice = try await member("alice")
        let bob = try await member("bob", options: leecherOptions)
        try await alice.insist("create_group readers \(kind.rawValue)")
        try await bob.insist("join_group readers")
        try await alice.insist("accept_request readers bob")
        let original = try scratch.file("originals/book.bin", size: size, seed: 1)
        try await alice.insist("upload_file \(original) readers")
        return Network.Pair(
            alice: alice, bob: bob, original: original, copy: scratch("copy.bin"), size: size)
    }

    /// Waits until so many of the book's sharers are online.
    func sharers(_ online: Int, of all: Int, seenBy peer: PeerProcess) async throws {
        try await peer.repeatedly("list_files readers", within: .seconds(30)) { answer in
            answer.lines.contains {
                $0.hasPrefix("book.bin\t") && $0.hasSuffix("\t\(online)/\(all)")
            }
        }
    }
}
