import Logging
import Reactor
import Testing
import Wire

@testable import Peer

struct TrackerEventStreamTests {
    private let turning: LoopUnderTest
    private let tracker: FakeTracker

    init() throws {
        turning = try LoopUnderTest()
        tracker = try FakeTracker(turning.loop)
        tracker.answer = { _ in .stream(Self.bytes(.hello(HelloEvent(instance: "one")))) }
    }

    private static func bytes(_ event: TrackerEvent) -> [UInt8] {
        var bytes: [UInt8] = []
        event.serverSentEvent.encode(into: &bytes)
        return bytes
    }

    /// What a stream told.
    private final class Told {
        var events: [TrackerEvent] = []
        var instances: [String] = []
        var errors: [TrackerError] = []
    }

    private func open(
        _ trackers: [Endpoint]? = nil, told: Told, onDown: @escaping () -> Void = {},
        limits change: (inout TrackerClient.Limits) -> Void = { _ in }
    ) -> TrackerClient {
        var limits = TrackerClient.Limits()
        limits.firstPause = .milliseconds(2)
        limits.longestPause = .milliseconds(10)
        change(&limits)
        let client = TrackerClient(
            loop: turning.loop, trackers: trackers ?? [tracker.endpoint],
            logger: Logger(level: .error, sink: LogSink { _ in }), limits: limits)
        client.token = "t"
        client.openEvents {
            told.events.append($0)
        } onUp: {
            told.instances.append($0)
        } onDown: {
            told.errors.append($0)
            onDown()
        }
        return client
    }

    private let added = TrackerEvent.catalogue(
        CatalogueEvent(groupID: "g", name: "ü.bin", change: .added))

    @Test func `events come as they are sent, however they are cut`() {
        let told = Told()
        let client = open(told: told)
        #expect(turning.run { told.instances == ["one"] })
        #expect(tracker.heard[0].line == "GET /api/v1/events")
        #expect(tracker.heard[0].request.header("authorization") == "Bearer t")
        #expect(tracker.heard[0].request.header("accept") == "text/event-stream")
        for byte in Self.bytes(added) {
            var hasTurned = false
            tracker.send([byte])
            turning.loop.schedule(after: .zero) { hasTurned = true }
            #expect(turning.run { hasTurned })
        }
        var many: [UInt8] = []
        for _ in 0..<3 { many += Self.bytes(added) }
        ServerSentEvent.appendPing(to: &many)
        ServerSentEvent(event: "from-the-future", data: "?").encode(into: &many)
        tracker.send(many)
        #expect(turning.run { told.events.count == 4 })
        #expect(told.events.allSatisfy { $0 == added })
        #expect(told.errors.isEmpty)
        withExtendedLifetime(client) {}
    }

    @Test func `a stream that ends is opened again, and the instance is told`() {
        let told = Told()
        let client = open(told: told)
        #expect(turning.run { told.instances.count == 1 })
        tracker.answer = { _ in .stream(Self.bytes(.hello(HelloEvent(instance: "two")))) }
        tracker.hangUp()
        #expect(turning.run { told.instances == ["one", "two"] })
        #expect(told.errors.count == 1)
        withExtendedLifetime(client) {}
    }

    @Test func `a tracker that is gone is told once, however often it is tried`() throws {
        let told = Told()
        let client = open(told: told)
        #expect(turning.run { told.instances.count == 1 })
        tracker.hangUp(andStop: true)
        var hasWaited = false
        turning.loop.schedule(after: .milliseconds(80)) { hasWaited = true }
        #expect(turning.run { hasWaited })
        #expect(told.errors.count == 1)
        let revived = try FakeTracker(turning.loop, port: tracker.endpoint.port) { _ in
            .stream(Self.bytes(.hello(HelloEvent(instance: "three"))))
        }
        #expect(turning.run { told.instances == ["one", "three"] })
        revived.hangUp()
        #expect(turning.run { told.errors.count == 2 })
        withExtendedLifetime(client) {}
    }

    @Test func `a session that is over is told, also after the tracker was away`() throws {
        let told = Told()
        let client = open(told: told)
        #expect(turning.run { told.instances.count == 1 })
        tracker.hangUp(andStop: true)
        #expect(turning.run { told.errors.count == 1 })
        let revived = try FakeTracker(turning.loop, port: tracker.endpoint.port) { _ in
            .error(401, "session_expired", "the session is over: log in again")
        }
        #expect(turning.run { told.errors.count == 2 })
        #expect(
            told.errors.last
                == .refused(
                    status: 401, code: "session_expired",
                    message: "the session is over: log in again"))
        #expect(turning.run { revived.heard.count == 4 })
        #expect(told.errors.count == 2)
        withExtendedLifetime(client) {}
    }

    @Test func `closing from within a callback ends it for good`() {
        let told = Told()
        var client: TrackerClient?
        client = open(told: told, onDown: { client?.closeEvents() })
        #expect(turning.run { told.instances.count == 1 })
        tracker.hangUp()
        #expect(turning.run { told.errors.count == 1 })
        var hasWaited = false
        turning.loop.schedule(after: .milliseconds(50)) { hasWaited = true }
        #expect(turning.run { hasWaited })
        #expect(tracker.connectionCount == 1)
    }

    @Test func `a silent stream has ended, one with pings hasn't`() {
        let told = Told()
        let client = open(told: told, limits: { $0.silence = .milliseconds(60) })
        #expect(turning.run { told.instances.count == 1 })
        var pings = 0
        func ping() {
            var bytes: [UInt8] = []
            ServerSentEvent.appendPing(to: &bytes)
            tracker.send(bytes)
            pings += 1
            if pings < 10 { turning.loop.schedule(after: .milliseconds(15)) { ping() } }
        }
        ping()
        #expect(turning.run { pings == 10 })
        #expect(told.errors.isEmpty)
        #expect(turning.run { told.errors.count == 1 })
        #expect(told.errors[0].description.contains("nothing heard for 0.06 seconds"))
        withExtendedLifetime(client) {}
    }

    @Test func `an event that isn't understood ends the stream`() {
        tracker.answer = { _ in .stream(Array("event: hello\ndata: {}\n\n".utf8)) }
        let told = Told()
        let client = open(told: told)
        #expect(turning.run { told.errors.count == 1 })
        guard case .malformed(let words) = told.errors[0] else {
            Issue.record("\(told.errors)")
            return
        }
        #expect(words.contains("instance"))
        withExtendedLifetime(client) {}
    }

    @Test func `the next tracker's stream is opened when one is gone`() throws {
        let other = try FakeTracker(turning.loop) { _ in
            .stream(Self.bytes(.hello(HelloEvent(instance: "other"))))
        }
        let told = Told()
        let client = open([tracker.endpoint, other.endpoint], told: told)
        #expect(turning.run { told.instances == ["one"] })
        tracker.hangUp(andStop: true)
        #expect(turning.run { told.instances == ["one", "other"] })
        withExtendedLifetime(client) {}
    }
}
