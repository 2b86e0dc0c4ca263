import Foundation
import Testing

/// What the tracker shows of itself, as the programs that people use for it see it.
@Suite(.inTurn) struct StatusPageTests {
    /// What a headless Chromium makes of a page: its document after the scripts have run, and
    /// what they and the browser complained of.
    private func browse(
        _ address: String, _ scratch: Scratch
    ) async throws -> (document: String, complaints: [String]) {
        let finished = try await run(
            "chromium",
            [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--enable-logging=stderr", "--user-data-dir=\(scratch("chromium"))",
                "--virtual-time-budget=3000", "--dump-dom", address,
            ], environment: ["HOME": scratch.path])
        guard finished.code == 0 else {
            throw CommandFailure(description: "chromium: \(finished.errors.suffix(5))")
        }
        return (
            finished.output.joined(separator: "\n"),
            finished.errors.filter { $0.contains("CONSOLE") }
        )
    }

    @Test func `the page shows numbers and a browser has nothing to complain of`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 1000)
        try await pair.alice("create_group other")
        let (document, complaints) = try await browse(
            "http://\(network.tracker.address)/", network.scratch)
        #expect(complaints == [])
        #expect(document.contains("id=\"value-groups\">2<"))
        #expect(document.contains("id=\"value-users\">2<"))
        #expect(document.contains("<p id=\"problem\" role=\"status\"></p>"))
        #expect(document.contains("<polyline"))
    }

    @Test func `an error on a page would have been seen`() async throws {
        let scratch = try Scratch()
        let page = try scratch.text("page.html", "<script>throw new Error('seen')</script>")
        let (_, complaints) = try await browse("file://\(page)", scratch)
        #expect(complaints.contains { $0.contains("seen") })
    }

    @Test func `promtool finds nothing wrong with the metrics`() async throws {
        let network = try await Network()
        _ = try await network.pair(size: 1000)
        let (status, body) = try await network.tracker.get("/metrics")
        #expect(status == 200)
        let checked = try await run(
            "promtool", ["check", "metrics"],
            input: body.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        #expect(checked.code == 0, "\(checked.output + checked.errors)")
        let broken = try await run("promtool", ["check", "metrics"], input: ["a{", "1"])
        #expect(broken.code != 0)
    }
}
