import Logging
import Reactor
import Testing
import Wire

@testable import Peer

struct TrackerMonitorTests {
    private let turning: LoopUnderTest

    init() throws { turning = try LoopUnderTest() }

    /// A tracker with an instance's name, that is healthy.
    private func tracker(_ instance: String, port: UInt16 = 0) throws -> FakeTracker {
        try FakeTracker(turning.loop, port: port) { request in
            if request.path == "/healthz" { return .json("{}") }
            var bytes: [UInt8] = []
            let hello = TrackerEvent.hello(HelloEvent(instance: instance))
            hello.serverSentEvent.encode(into: &bytes)
            return .stream(bytes)
        }
    }

    private final class Told {
        var instances: [String] = []
        var errors: [TrackerError] = []
    }

    private func client(
        _ trackers: [FakeTracker], _ told: Told, patience: Duration = .seconds(5)
    ) -> TrackerClient {
        var limits = TrackerClient.Limits()
        limits.firstPause = .milliseconds(2)
        limits.longestPause = .milliseconds(10)
        limits.monitor.interval = .milliseconds(10)
        limits.monitor.patience = patience
        limits.monitor.firstPause = .milliseconds(10)
        limits.monitor.longestPause = .milliseconds(20)
        limits.monitor.returning = .milliseconds(10)
        limits.monitor.leaving = .milliseconds(10)
        limits.monitor.difference = .seconds(1)
        let client = TrackerClient(
            loop: turning.loop, trackers: trackers.map(\.endpoint),
            logger: Logger(level: .error, sink: LogSink { _ in }), limits: limits)
        client.openEvents { _ in
        } onUp: {
            told.instances.append($0)
        } onDown: {
            told.errors.append($0)
        }
        return client
    }

    @Test func `a tracker that falls silent is left, without a word to the user`() throws {
        let (one, two) = (try tracker("one"), try tracker("two"))
        let told = Told()
        let client = client([one, two], told, patience: .milliseconds(300))
        #expect(turning.run { told.instances == ["one"] })
        // The stream stays open, and nothing is answered any more.
        one.answer = { _ in .silence }
        #expect(turning.run { told.instances.last == "two" })
        #expect(client.tracker == two.endpoint)
        #expect(told.errors.isEmpty)
        client.closeEvents()
    }

    @Test func `a nearer tracker is used again once it answers, and no moment is without a stream`()
        throws
    {
        let (one, two) = (try tracker("one"), try tracker("two"))
        let told = Told()
        let client = client([one, two], told)
        #expect(turning.run { told.instances == ["one"] })
        one.hangUp(andStop: true)
        #expect(turning.run { told.instances == ["one", "two"] })
        let revived = try tracker("three", port: one.endpoint.port)
        #expect(turning.run { told.instances == ["one", "two", "three"] })
        #expect(client.tracker == revived.endpoint)
        #expect(turning.run { two.openStreamCount == 0 })
        #expect(told.errors.isEmpty)
        client.closeEvents()
    }

    @Test func `a tracker without its database is left for one that has it, until it is well`()
        throws
    {
        let (one, two) = (try tracker("one"), try tracker("two"))
        let told = Told()
        let client = client([one, two], told)
        #expect(turning.run { told.instances == ["one"] })
        let healthy = one.answer
        one.answer = { $0.path == "/healthz" ? .text("degraded\n") : healthy($0) }
        #expect(turning.run { told.instances == ["one", "two"] && one.openStreamCount == 0 })
        one.answer = healthy
        #expect(turning.run { told.instances == ["one", "two", "one"] })
        #expect(told.errors.isEmpty)
        client.closeEvents()
    }

    @Test func `where all are without their database the nearest stays in use`() throws {
        let (one, two) = (try tracker("one"), try tracker("two"))
        let told = Told()
        let client = client([one, two], told)
        #expect(turning.run { told.instances == ["one"] })
        for tracker in [one, two] {
            let healthy = tracker.answer
            tracker.answer = { $0.path == "/healthz" ? .text("degraded\n") : healthy($0) }
        }
        let asked = (one.heard.count, two.heard.count)
        #expect(
            turning.run { one.heard.count > asked.0 + 10 && two.heard.count > asked.1 + 1 })
        #expect(told.instances == ["one"] && client.tracker == one.endpoint)
        client.closeEvents()
    }

    @Test func `when all trackers are away it is said once`() throws {
        let (one, two) = (try tracker("one"), try tracker("two"))
        let told = Told()
        let client = client([one, two], told)
        #expect(turning.run { told.instances == ["one"] })
        two.hangUp(andStop: true)
        one.hangUp(andStop: true)
        #expect(turning.run { told.errors.count == 1 })
        let revived = try tracker("three", port: two.endpoint.port)
        #expect(turning.run { told.instances == ["one", "three"] })
        #expect(told.errors.count == 1)
        client.closeEvents()
        withExtendedLifetime(revived) {}
    }

    @Test func `closed, it asks nobody any more`() throws {
        let (one, two) = (try tracker("one"), try tracker("two"))
        let told = Told()
        let client = client([one, two], told)
        #expect(turning.run { told.instances == ["one"] && one.heard.count > 3 })
        client.closeEvents()
        let asked = one.heard.count + two.heard.count
        var hasWaited = false
        turning.loop.schedule(after: .milliseconds(100)) { hasWaited = true }
        #expect(turning.run { hasWaited })
        #expect(one.heard.count + two.heard.count <= asked + 1)
    }
}
