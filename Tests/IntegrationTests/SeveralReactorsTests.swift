import Foundation
import Testing

@Suite(.inTurn) struct SeveralReactorsTests {
    @Test func `peers share through a tracker of several reactors, whose port is its own`()
        async throws
    {
        let network = try await Network(trackerOptions: ["--reactors", "3"])
        let pair = try await network.pair(size: 300_000, kind: .sealed)
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await pair.bob("wait")
        #expect(try await same(pair.copy, pair.original))
        let other = try await run(
            Programs.tracker,
            [
                "--reactors", "3", "--data-dir", network.scratch("other"),
                network.tracker.address,
            ])
        #expect(other.code == 1 && other.errors.joined().contains("in use"), "\(other)")
        network.tracker.process.signal(SIGTERM)
        #expect(try await network.tracker.process.end(within: .seconds(5)) == .exited(0))
    }
}
