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
        let areServedAlike = Atomic(false)
        defer { isOver.store(true, ordering: .relaxed) }
        let crowd = Task {
            try await onThread {
                var crowd = try Crowd(of: 2000, at: port, for: file.content)
                defer { crowd.close() }
                var looked = 0
                while !isOver.load(ordering: .relaxed) {
                    try crowd.turn()
                    if crowd.bytes >= looked + 2000 << 16 {
                        looked = crowd.bytes
                        if crowd.isServedAlike { areServedAlike.store(true, ordering: .relaxed) }
                    }
                }
                return crowd.members
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
        // Slots follow the rate, so that on a slow machine some have theirs later than others.
        try await eventually("all of them served alike", within: .seconds(60)) {
            areServedAlike.load(ordering: .relaxed)
        }
        isOver.store(true, ordering: .relaxed)
        let members = try await crowd.value
        #expect(members.allSatisfy { $0.wasUnchoked && !$0.hasEnded && $0.bytes > 0 })
        #expect(during.anonymous <= before.anonymous + 64 << 20, "\(before) → \(during)")
        try await alice.descriptors(fallTo: before.descriptors + 1)
    }
}

extension Crowd {
    /// Whether the one with the least has a quarter at least of what the one in the middle has.
    fileprivate var isServedAlike: Bool {
        let bytes = members.map(\.bytes).sorted()
        return bytes[0] >= max(bytes[bytes.count / 2] / 4, 1 << 16)
    }
}
