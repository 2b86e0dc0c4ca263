import Reactor
import Testing

@testable import Peer

@Suite struct AnnounceQueueTests {
    /// What was begun and ended, on the loop's thread.
    private final class Log {
        var begun: [Int] = []
        var underWay = 0
        var most = 0
    }

    @Test func `all are made in order, few at a time, however they end`() throws {
        let loop = try EventLoop()
        let queue = AnnounceQueue(loop: loop)
        let log = Log()
        for number in 0..<40 {
            queue.append { ended in
                log.begun.append(number)
                log.underWay += 1
                log.most = max(log.most, log.underWay)
                func end() {
                    log.underWay -= 1
                    ended()
                    if log.begun.count == 40, log.underWay == 0 { loop.stop() }
                }
                // Some fail before they begin, some take longer than others after them.
                if number % 5 == 0 {
                    end()
                } else {
                    _ = loop.schedule(after: .milliseconds(number % 3 * 20)) { end() }
                }
            }
        }
        // Nothing but the first was begun at once.
        #expect(log.begun == [0])
        loop.run()
        #expect(log.begun == Array(0..<40))
        #expect(log.most == AnnounceQueue.limit)
    }
}
