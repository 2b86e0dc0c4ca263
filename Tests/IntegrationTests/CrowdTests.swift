import Foundation
import Synchronization
import Testing
import Wire

/// Very many leechers on one peer.
@Suite(.inTurn) struct CrowdTests {
    @Test func `two thousand leechers are all served, and a new one is let in`() async throws {
        let network = try await Network()
        let file = try network.openFile(size: 16 << 20, pieceLength: 65_536)
        let alice = try await network.visitor("alice")
        try await alice("share \(file.original) \(file.description)")
        let before = try alice.footprint()
        let port = alice.port
        let isOver = Atomic(false)
        defer { isOver.store(true, ordering: .relaxed) }
        let crowd = Task {
            try await onThread {
                var crowd = try Crowd(of: 2000, at: port, for: file.content)
                defer { crowd.close() }
                var full: [Int] = []
                while !isOver.load(ordering: .relaxed) {
                    try crowd.turn()
                    if full.isEmpty, crowd.bytes >= 2000 << 18 { full = crowd.members.map(\.bytes) }
                }
                return (full, crowd.members)
            }
        }
        // While they all want something.
        try await eventually("two thousand connections") {
            try alice.footprint().descriptors >= before.descriptors + 2000
        }
        for number in 0..<5 {
            try await onThread {
                let link = try Link.leecher(
                    port: port, file.content.info.infoHash, id: 9000 + number, bound: 30)
                try link.send(.request(file.content.requests[0]))
                while true { if case .block = try link.next() { break } }
            }
        }
        try await alice("show_downloads")
        let during = try alice.footprint()
        isOver.store(true, ordering: .relaxed)
        let (full, members) = try await crowd.value
        #expect(members.allSatisfy { $0.wasUnchoked && !$0.hasEnded && $0.bytes > 0 })
        let sorted = full.sorted()
        #expect(sorted[0] >= sorted[1000] / 4, "\(sorted[0]) \(sorted[1000]) \(sorted[1999])")
        #expect(during.anonymous <= before.anonymous + 64 << 20, "\(before) → \(during)")
        try await alice.descriptors(fallTo: before.descriptors + 1)
    }
}
