import Testing

@testable import Reactor

@Suite struct EventLoopTests {
    @Test func `thousands of timers fire in order, none early, the cancelled not at all`() throws {
        try withLoop { loop in
            let count = 10_000
            var fired: [Int64] = []
            var wereEarly = 0
            loop.schedule(after: .zero) {
                let start = loop.now
                var cancelled: [TimerID] = []
                for index in 0..<count {
                    let delay = Int64(index * 7919 % count) * 10_000  // Up to 100 ms.
                    let deadline = start + .nanoseconds(delay)
                    let timer = loop.schedule(at: deadline) {
                        if loop.now < deadline { wereEarly += 1 }
                        fired.append(delay)
                        if fired.count >= count / 2 { loop.stop() }
                    }
                    if index % 2 == 1 { cancelled.append(timer) }
                }
                for timer in cancelled { loop.cancel(timer) }
            }
            run(loop)
            let expected = stride(from: 0, to: count, by: 2).map { Int64($0 * 7919 % count) }
            let isOrdered = fired == expected.sorted().map { $0 * 10_000 }
            #expect(isOrdered)
            #expect(wereEarly == 0)
        }
    }

    @Test func `a timer made by a timer waits for the next turn`() throws {
        try withLoop { loop in
            var turns: [Int] = []
            func again() {
                turns.append(loop.turnCount)
                if turns.count == 5 { loop.stop() } else { loop.schedule(after: .zero, again) }
            }
            loop.schedule(after: .zero, again)
            run(loop)
            #expect(Set(turns).count == 5)
        }
    }

    @Test func `now stands still during a turn`() throws {
        try withLoop { loop in
            loop.schedule(after: .zero) {
                let start = loop.now
                while MonotonicTime.current - start < .microseconds(200) {}
                #expect(loop.now == start)
                loop.stop()
            }
            run(loop)
        }
    }

    @Test func `a timer may cancel others that are due, and what dies with them cancels more`()
        throws
    {
        final class Canceller {
            let action: () -> Void
            init(_ action: @escaping () -> Void) { self.action = action }
            deinit { action() }
        }
        try withLoop { loop in
            let start = loop.now
            var fired = 0
            var victims: [TimerID] = []
            loop.schedule(at: start) { loop.cancel(victims[0]) }
            do {
                let canceller = Canceller { loop.cancel(victims[1]) }
                victims.append(
                    loop.schedule(at: start) { withExtendedLifetime(canceller) { fired += 1 } })
            }
            victims.append(loop.schedule(at: start) { fired += 1 })
            loop.schedule(after: .zero) { loop.stop() }
            run(loop)
            #expect(fired == 0)
        }
    }

    @Test func `a loop can be run again after it has stopped`() throws {
        try withLoop { loop in
            for _ in 0..<3 {
                loop.schedule(after: .zero) { loop.stop() }
                run(loop)
            }
        }
    }

    @Test func `an event of a source that was closed in the same turn is dropped`() throws {
        try withOwnDescriptors {
            try withLoop { loop in
                let pairs = [try HalfPair(on: loop), try HalfPair(on: loop)]
                let newcomer = Recorder()
                let listener = try Listener(loop: loop, address: .loopback(port: 0)) { _ in }
                var connecting: Stream?
                for (index, pair) in pairs.enumerated() {
                    pair.recorder.onReceive = { _ in
                        // The newcomer gets the other's slot and descriptor, but not its event.
                        let other = pairs[1 - index].stream
                        let (slot, descriptor) = (other.token.slot, other.descriptor)
                        other.close()
                        let stream = Stream.connect(
                            loop: loop, to: listener.localAddress, timeout: .seconds(5),
                            delegate: newcomer)
                        #expect(stream.token.slot == slot)
                        #expect(stream.descriptor == descriptor)
                        connecting = stream
                        loop.schedule(after: .zero) { loop.stop() }
                    }
                    try pair.client.send([1])
                }
                run(loop)
                #expect(pairs.map(\.recorder.receivedCount).sorted() == [0, 1])
                #expect(pairs.flatMap(\.recorder.closeReasons).isEmpty)
                #expect(newcomer.receivedCount == 0 && newcomer.closeReasons.isEmpty)
                connecting?.close()
                for pair in pairs { pair.client.close() }
            }
        }
    }

    @Test func `shutting a loop down closes every source and lets everything go`() throws {
        weak var weakLoop: EventLoop?
        weak var weakStream: Stream?
        weak var weakRecorder: Recorder?
        do {
            let loop = try EventLoop()
            let pair = try Pair(on: loop)
            let kept = pair.serverSide
            loop.schedule(after: .seconds(60)) { kept.onReceive(pair.server) }
            pair.server.write([1, 2, 3])
            (weakLoop, weakStream, weakRecorder) = (loop, pair.server, kept)
            #expect(loop.sourceCount == 2)
            loop.shutdown()
            #expect(loop.sourceCount == 0)
            #expect(!pair.client.isOpen && !pair.server.isOpen)
        }
        #expect(weakStream == nil && weakRecorder == nil && weakLoop == nil)
    }

    @Test func `a slot's next user has another token`() throws {
        let loop = try EventLoop()
        var table = SourceTable()
        let first = EventSource(loop: loop, descriptor: -1)
        let second = EventSource(loop: loop, descriptor: -1)
        let old = table.insert(first)
        table.remove(old)
        #expect(table[old] == nil)
        let new = table.insert(second)
        #expect(new.slot == old.slot && new != old)
        #expect(table[old] == nil)
        #expect(table[new] === second)
        table.remove(old)
        #expect(table.count == 1)
        #expect(table[.none] == nil && table[.wakeUp] == nil)
    }
}
