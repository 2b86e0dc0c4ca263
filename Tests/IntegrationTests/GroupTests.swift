import Foundation
import Testing

/// Founding, joining, leaving.
@Suite(.inTurn) struct GroupTests {
    @Test func `the owner decides who joins`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        let bob = try await network.member("bob")
        #expect(try await bob("list_groups").isEmpty)
        try await alice("create_group readers")
        try await alice("create_group writers open")
        #expect(try await bob.refusal(of: "create_group readers").contains("readers"))
        #expect(try await bob.refusal(of: "join_group nowhere").contains("nowhere"))
        #expect(try await alice.refusal(of: "join_group readers").contains("readers"))
        try await bob("join_group readers")
        #expect(try await bob.refusal(of: "join_group readers").contains("readers"))
        #expect(
            try await bob("list_groups").sorted() == [
                "readers\talice\tsealed\t1\tasked", "writers\talice\topen\t1\t-",
            ])
        // Asking is not being in.
        #expect(try await bob.refusal(of: "list_files readers").contains("readers"))
        let requests = try await alice("list_requests readers")
        #expect(requests.count == 1)
        #expect(requests.first?.hasPrefix("bob\t") == true)
        try await alice("reject_request readers bob")
        #expect(try await alice("list_requests readers").isEmpty)
        #expect(try await alice.refusal(of: "accept_request readers bob").contains("bob"))
        try await bob("join_group readers")
        try await alice("accept_request readers bob")
        #expect(try await alice("list_requests readers").isEmpty)
        #expect(try await bob("list_files readers").isEmpty)
        #expect(
            try await bob("list_groups").sorted() == [
                "readers\talice\tsealed\t2\tmember", "writers\talice\topen\t1\t-",
            ])
        #expect(try await alice("list_groups").contains("readers\talice\tsealed\t2\towner"))
    }

    @Test func `only the owner decides, and knows who asks`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        let bob = try await network.member("bob")
        let carol = try await network.member("carol")
        try await network.found("readers", owner: alice, members: ["bob": bob])
        try await carol("join_group readers")
        for command in [
            "list_requests readers", "accept_request readers carol",
            "reject_request readers carol", "remove_member readers alice",
        ] {
            let refusal = try await bob.refusal(of: command)
            #expect(refusal.contains("readers"), "\(command): \(refusal)")
        }
        #expect(try await carol.refusal(of: "accept_request readers carol").contains("readers"))
        #expect(try await alice("list_requests readers").count == 1)
        #expect(try await alice.refusal(of: "remove_member readers dave").contains("dave"))
        #expect(try await alice.refusal(of: "accept_request readers dave").contains("dave"))
        #expect(try await alice.refusal(of: "list_requests nowhere").contains("nowhere"))
    }

    @Test func `an owner who leaves hands the group to its oldest member`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        let bob = try await network.member("bob")
        let carol = try await network.member("carol")
        // Not in the order of their names, nor of their asking.
        try await alice("create_group readers")
        try await bob("join_group readers")
        try await carol("join_group readers")
        try await alice("accept_request readers carol")
        try await alice("accept_request readers bob")
        #expect(try await alice("leave_group readers").contains { $0.contains("carol") })
        #expect(try await alice.refusal(of: "list_files readers").contains("readers"))
        #expect(try await carol("list_requests readers").isEmpty)
        #expect(try await bob.refusal(of: "list_requests readers").contains("readers"))
        #expect(try await bob("list_groups") == ["readers\tcarol\tsealed\t2\tmember"])
        // Who comes back stands last.
        try await alice("join_group readers")
        try await carol("accept_request readers alice")
        #expect(try await carol("leaves_group readers").contains { $0.contains("bob") })
        #expect(try await alice("list_groups") == ["readers\tbob\tsealed\t2\tmember"])
    }

    @Test func `the last member's leaving deletes the group`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        let bob = try await network.member("bob")
        try await network.found("readers", owner: alice, members: ["bob": bob])
        let file = try network.scratch.file("book.bin", size: 1000, seed: 1)
        try await alice("upload_file \(file) readers")
        try await bob("leave_group readers")
        #expect(try await bob.refusal(of: "leave_group readers").contains("readers"))
        #expect(try await alice("leaves_group readers").contains { $0.contains("deleted") })
        #expect(try await alice("list_groups").isEmpty)
        #expect(try await alice.refusal(of: "list_files readers").contains("readers"))
        // Its name is free, and what it shared is not in a new one.
        try await bob("create_group readers")
        #expect(try await bob("list_files readers").isEmpty)
    }

    @Test func `who leaves or is removed shares nothing there any more`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000, kind: .sealed)
        let carol = try await network.member("carol")
        try await carol("join_group readers")
        try await pair.alice("accept_request readers carol")
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        try await carol.download("book.bin", of: "readers", to: network.scratch("carol.bin"))
        try await network.sharers(3, of: 3, share: "book.bin", seenBy: pair.alice)
        try await pair.bob("leave_group readers")
        try await network.sharers(2, of: 2, share: "book.bin", seenBy: pair.alice)
        try await pair.alice("remove_member readers carol")
        try await network.sharers(1, of: 1, share: "book.bin", seenBy: pair.alice)
        #expect(try await carol.refusal(of: "file_info readers book.bin").contains("readers"))
        // Their files are theirs.
        #expect(try await same(pair.copy, pair.original))
        #expect(try await same(network.scratch("carol.bin"), pair.original))
    }
}
