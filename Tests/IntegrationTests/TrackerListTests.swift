import Foundation
import Testing

/// Trackers of one list, started on one machine without any further set-up.
@Suite struct TrackerListTests {
    @Test func `two trackers of a list are one network`() async throws {
        let scratch = try Scratch()
        let ports = [try freePort(), try freePort()]
        let list = scratch("tracker_info.txt")
        try ports.map { "127.0.0.1 \($0)\n" }.joined()
            .write(toFile: list, atomically: true, encoding: .utf8)
        let first = try await TrackerProcess(list: list, number: 1, home: scratch("home"))
        let second = try await TrackerProcess(list: list, number: 2, home: scratch("home"))
        let ann = try await PeerProcess(tracker: first.address, dataFolder: scratch("ann"))
        let bob = try await PeerProcess(tracker: second.address, dataFolder: scratch("bob"))
        try await ann.enter(as: "ann")
        try await bob.enter(as: "bob")
        try await ann("create_group readers")
        try await bob.repeatedly("join_group readers") { $0.error == nil }
        try await ann.repeatedly("list_requests readers") { $0.text.contains("bob\t") }
        try await ann("accept_request readers bob")
        let original = try scratch.file("book.bin", size: 300_000, seed: 1)
        try await ann("upload_file \(original) readers")
        // Bob sees the file, and that the one who shares it is online at the other tracker.
        try await bob.repeatedly("list_files readers") { answer in
            answer.lines.contains { $0.hasPrefix("book.bin\t") && $0.hasSuffix("\t1/1") }
        }
        #expect(try await bob.refusal(of: "create_group readers").contains("exists"))
        let created = try await bob.answer("create_user ann another-password")
        #expect(created.error?.contains("exists") == true)
    }
}
