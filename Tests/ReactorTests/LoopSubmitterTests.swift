import Testing

@testable import Reactor

@Suite struct LoopSubmitterTests {
    @Test func `jobs of many threads all run on the loop's thread, each thread's in order`() throws
    {
        final class Journal { var entries: [[Int]] = [[], [], [], []] }
        try withLoop { loop in
            let perThread = 5_000
            let journal = LoopBound(Journal(), on: loop)
            let done = LoopBound(loop, on: loop)
            let threads = try (0..<4).map { thread in
                try PosixThread {
                    for index in 0..<perThread {
                        journal.submit { $0.entries[thread].append(index) }
                    }
                    done.submit { loop in
                        let counts = journal.onLoop.entries.map(\.count)
                        if counts.allSatisfy({ $0 == perThread }) { loop.stop() }
                    }
                }
            }
            run(loop)
            for thread in threads { thread.join() }
            #expect(journal.onLoop.entries.allSatisfy { $0 == Array(0..<perThread) })
        }
    }

    @Test func `a submission wakes a loop that has nothing else to do`() throws {
        try withLoop { loop in
            let bound = LoopBound(loop, on: loop)
            let gate = Gate()
            let thread = try PosixThread {
                gate.pass()
                bound.submit { $0.stop() }
            }
            loop.schedule(after: .zero) { gate.open() }
            run(loop)
            thread.join()
        }
    }

    @Test func `a job submitted by a job runs in a later turn`() throws {
        try withLoop { loop in
            let bound = LoopBound(loop, on: loop)
            bound.submit { loop in
                let first = loop.turnCount
                bound.submit { loop in
                    #expect(loop.turnCount > first)
                    loop.stop()
                }
            }
            run(loop)
        }
    }

    @Test func `another thread is told that it isn't the loop's`() throws {
        try withLoop { loop in
            let submitter = loop.submitter
            #expect(submitter.isOnLoopThread)
            let answer = Shared<Bool?>(nil)
            try PosixThread { answer.value = submitter.isOnLoopThread }.join()
            #expect(answer.value == false)
        }
    }

    @Test func `a loop that has been shut down lets its jobs go, and takes no more`() throws {
        final class Witness: Sendable {}
        let loop = try EventLoop()
        weak var weakWitness: Witness?
        do {
            let witness = Witness()
            weakWitness = witness
            let isTaken = loop.submitter.submit { withExtendedLifetime(witness) {} }
            #expect(isTaken)
        }
        #expect(weakWitness != nil)
        loop.shutdown()
        #expect(weakWitness == nil)
        let isTaken = loop.submitter.submit {}
        #expect(!isTaken)
    }
}
