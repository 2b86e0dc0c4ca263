import Foundation
import Wire

/// A tracker, and the peers of people who are logged in at it.
final class Network: Sendable {
    let scratch: Scratch
    let tracker: TrackerProcess

    init(trackerOptions: [String] = [], trackerAt address: String = "127.0.0.1") async throws {
        scratch = try Scratch()
        tracker = try await TrackerProcess(
            dataFolder: scratch("tracker"), address: "\(address):0", options: trackerOptions)
    }

    /// The tracker on one end of a line; peers on either.
    init(trackerOn host: LossyNetwork.Host) async throws {
        scratch = try Scratch()
        tracker = try await TrackerProcess(
            dataFolder: scratch("tracker"), address: "\(host.address):7000", host: host)
    }

    // MARK: People

    /// A peer whose data folder is named for the user, and who has an account and is logged in.
    func member(
        _ user: String, options: [String] = [], at address: String = "127.0.0.1"
    ) async throws -> PeerProcess {
        let peer = try await visitor(user, options: options, at: address)
        try await peer("create_user \(user) \(Network.password(user))")
        try await logIn(peer, as: user)
        return peer
    }

    /// A peer that isn't logged in; over the same folder as an earlier one of that name.
    func visitor(
        _ user: String, port: UInt16? = nil, options: [String] = [],
        on host: LossyNetwork.Host? = nil, at address: String = "127.0.0.1"
    ) async throws -> PeerProcess {
        try await PeerProcess(
            tracker: tracker.address, dataFolder: scratch("state-\(user)"), port: port,
            options: options, host: host, address: address)
    }

    /// A peer over the folder of one that has ended, under its port, logged in.
    func again(
        _ user: String, after old: PeerProcess, options: [String] = []
    ) async throws -> PeerProcess {
        let peer = try await visitor(user, port: old.port, options: options)
        try await logIn(peer, as: user)
        return peer
    }

    @discardableResult
    func logIn(_ peer: PeerProcess, as user: String) async throws -> [String] {
        try await peer("login \(user) \(Network.password(user))")
    }

    static func password(_ user: String) -> String { "secret-of-\(user)" }

    // MARK: Groups

    /// The owner founds the group and lets the others in, in their order. In an open one the tests'
    /// own ends, which speak no TLS, and ordinary clients may take part.
    func found(
        _ group: String, owner: PeerProcess, members: KeyValuePairs<String, PeerProcess> = [:],
        kind: GroupKind = .open
    ) async throws {
        try await owner("create_group \(group) \(kind.rawValue)")
        for (user, peer) in members {
            try await peer("join_group \(group)")
            try await owner("accept_request \(group) \(user)")
        }
    }

    /// Alice and Bob in the group `readers`, with a file that Alice shares.
    func pair(
        size: Int, seed: UInt64 = 1, kind: GroupKind = .open, sharerOptions: [String] = [],
        leecherOptions: [String] = []
    ) async throws -> Pair {
        let alice = try await member("alice", options: sharerOptions)
        let bob = try await member("bob", options: leecherOptions)
        try await found("readers", owner: alice, members: ["bob": bob], kind: kind)
        let original = try scratch.file("originals/book.bin", size: size, seed: seed)
        try await alice("upload_file \(original) readers")
        return Pair(
            alice: alice, bob: bob, original: original, copy: scratch("copy.bin"), size: size)
    }

    struct Pair {
        let alice: PeerProcess
        let bob: PeerProcess
        let original: String
        /// Where Bob may put his.
        let copy: String
        let size: Int
    }

    /// Waits until so many of a file's sharers are online, as `list_files` has them.
    func sharers(
        _ online: Int, of all: Int, share file: String, in group: String = "readers",
        seenBy peer: PeerProcess, within limit: Duration = .seconds(30)
    ) async throws {
        try await peer.repeatedly("list_files \(group)", within: limit) { answer in
            answer.lines.contains {
                $0.hasPrefix("\(file)\t") && $0.hasSuffix("\t\(online)/\(all)")
            }
        }
    }
}

/// Whether two files have the same bytes, as sha1sum(1) says.
func same(_ a: String, _ b: String) async throws -> Bool {
    try await sha1sum(a) == sha1sum(b)
}

/// What is at a path, of whatever kind.
func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
}
