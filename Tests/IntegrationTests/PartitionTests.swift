import Foundation
import Testing
import Wire

/// Trackers on machines of their own that are cut from each other and from their database, and come
/// back. It waits more than it works, and so takes no turn.
struct PartitionTests {
    /// A database, two trackers and their peers, each on its own host.
    private final class Stage: Sendable {
        let scratch: Scratch
        let network: SwitchedNetwork
        let trackers: [TrackerProcess]
        let list: String
        private let server: DatabaseServer

        init() async throws {
            scratch = try Scratch()
            network = try await SwitchedNetwork(hosts: 4)
            server = try await DatabaseServer(on: network.hosts[0])
            var trackers: [TrackerProcess] = []
            for host in network.hosts[1...2] {
                let (home, store) = (try scratch.folder("home-\(host.address)"), server.location)
                // On a busy machine the database may not answer in time, which ends a start.
                trackers.append(
                    try await eventually("a tracker on \(host.address)", within: .seconds(60)) {
                        try? await TrackerProcess(
                            dataFolder: home, address: "\(host.address):7000",
                            options: ["--store", store], host: host)
                    })
            }
            self.trackers = trackers
            list = try scratch.text(
                "tracker_info.txt", trackers.map { "\($0.address)\n" }.joined())
        }

        var peers: LossyNetwork.Host { network.hosts[3] }

        func peer(
            _ user: String, at tracker: String? = nil, options: [String] = []
        ) async throws -> PeerProcess {
            let peer = try await PeerProcess(
                tracker: tracker ?? list, dataFolder: scratch(user + (tracker ?? "")),
                options: options, host: peers)
            if tracker == nil { try await peer.insist("create_user \(user) password") }
            // A tracker that was cut off isn't sure of its database at once.
            try await peer.insist("login \(user) password")
            return peer
        }

        /// What the tracker answers, as the peers' host sees it.
        func get(_ path: String, _ place: Int) async throws -> String {
            let curl = try peers.start([
                "curl", "--silent", "--max-time", "5", "--output", "-",
                "http://\(trackers[place].address)\(path)",
            ])
            _ = try await curl.end()
            return curl.output.lines.joined(separator: "\n")
        }

        /// Packets of the database's host to the tracker's are dropped from now on, or no more.
        func hide(_ place: Int, _ isHidden: Bool) async throws {
            let words = ["ip", "route", isHidden ? "add" : "delete", "blackhole"]
            let change = try network.hosts[0].start(words + [network.hosts[place + 1].address])
            #expect(try await change.end() == .exited(0), "\(change.transcript)")
        }
    }

    @Test(
        .enabled("needs root, network namespaces, veth pairs and a bridge") {
            await SwitchedNetwork.isPossible()
        })
    func `trackers that are cut off come back, with all that was done meanwhile`() async throws {
        let stage = try await Stage()
        let alice = try await stage.peer("alice")
        let bob = try await stage.peer("bob", options: ["--down", "20K"])
        try await alice.insist("create_group readers")
        try await bob.insist("join_group readers")
        try await alice.insist("accept_request readers bob")
        let original = try stage.scratch.file("originals/book.bin", size: 500_000, seed: 1)
        try await alice.insist("upload_file \(original) readers")
        let copy = stage.scratch("copy.bin")
        try await bob.insist("download_file readers book.bin \(copy)")
        let torrent = stage.scratch("book.torrent")
        try await alice.insist("export readers book.bin \(torrent)")

        // From everybody: its peers go to the other one.
        try await stage.network.unplug(1)
        try await alice.repeatedly("create_group second") { $0.error == nil }
        try await stage.network.plug(1)
        // It hears of that without a restart.
        let visitor = try await stage.peer("alice", at: stage.trackers[0].address)
        try await visitor.repeatedly("list_groups") { $0.text.contains("second") }

        // From the database alone: it answers from memory, and refuses to change anything.
        try await stage.hide(0, true)
        try await visitor.repeatedly("create_group third") {
            $0.error?.contains("try again") == true
        }
        try await eventually("degraded health") { try await stage.get("/healthz", 0) == "degraded" }
        // Who knows both uses the other one meanwhile.
        try await alice.repeatedly("create_group third") { $0.error == nil }
        let ticket = try Ticket(torrent)
        let request = AnnounceRequest(
            infoHash: ticket.info.infoHash, peerID: .scripted(1), port: 9, uploaded: 0,
            downloaded: 0, left: 1, event: .started)
        let announce = "/announce/\(ticket.passkey)?\(request.query())"
        #expect(try await stage.get(announce, 0).contains("complete"))
        let other = try await stage.peer("alice", at: stage.trackers[1].address)
        try await other.insist("create_group fourth")
        try await stage.hide(0, false)
        try await visitor.repeatedly("list_groups") { $0.text.contains("fourth") }
        try await eventually("good health") { try await stage.get("/healthz", 0) == "ok" }
        try await visitor.repeatedly("create_group fifth") { $0.error == nil }
        try await alice.repeatedly("list_groups") { $0.text.contains("fifth") }

        // Who found nobody while the trackers were away has waited longer before each attempt.
        try await bob("wait book.bin", within: .seconds(300))
        #expect(try await same(original, copy))
    }
}
