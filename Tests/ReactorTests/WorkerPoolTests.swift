import Glibc
import Testing

@testable import Reactor

@Suite struct WorkerPoolTests {
    struct Failure: Error {}

    @Test func `work runs elsewhere, and its result comes back to the loop`() throws {
        try withLoop { loop in
            let pool = try WorkerPool(loop: loop, threads: 2)
            defer { pool.shutdown() }
            let submitter = loop.submitter
            var results: [Int: Bool] = [:]
            for index in 0..<500 {
                pool.run({ (index, submitter.isOnLoopThread) }) { result in
                    #expect(submitter.isOnLoopThread)
                    guard case .success(let (index, wasOnLoop)) = result else { return }
                    results[index] = wasOnLoop
                    if results.count == 500 { loop.stop() }
                }
            }
            #expect(results.isEmpty, "never within the call")
            run(loop)
            #expect(results.values.allSatisfy { !$0 })
        }
    }

    @Test func `an error of the work comes back as such`() throws {
        try withLoop { loop in
            let pool = try WorkerPool(loop: loop, threads: 1)
            defer { pool.shutdown() }
            var isFailure = false
            pool.run({ throw Failure() }) { (result: Result<Void, any Error>) in
                if case .failure(is Failure) = result { isFailure = true }
                loop.stop()
            }
            run(loop)
            #expect(isFailure)
        }
    }

    @Test func `one thread does its work in order`() throws {
        try withLoop { loop in
            let pool = try WorkerPool(loop: loop, threads: 1, queueLimit: 2000)
            defer { pool.shutdown() }
            var results: [Int] = []
            for index in 0..<2000 {
                pool.run({ index }) { result in
                    results.append((try? result.get()) ?? -1)
                    if results.count == 2000 { loop.stop() }
                }
            }
            run(loop)
            let isOrdered = results == Array(0..<2000)
            #expect(isOrdered)
        }
    }

    @Test func `more work than may wait is refused`() throws {
        try withLoop { loop in
            let pool = try WorkerPool(loop: loop, threads: 1, queueLimit: 3)
            defer { pool.shutdown() }
            let started = Gate()
            let mayEnd = Gate()
            var outcomes: [String] = []
            func note(_ result: Result<Int, any Error>) {
                switch result {
                case .success(let value): outcomes.append("\(value)")
                case .failure(let error): outcomes.append("\(error)")
                }
                if outcomes.count == 5 { loop.stop() }
            }
            pool.run(
                {
                    started.open()
                    mayEnd.pass()
                    return 0
                }, then: note)
            started.pass()
            for index in 1...4 { pool.run({ index }, then: note) }
            loop.schedule(after: .milliseconds(1)) { mayEnd.open() }
            run(loop)
            #expect(outcomes == ["\(WorkerPoolError.queueFull)", "0", "1", "2", "3"])
        }
    }

    @Test func `shutting down does what was accepted, and reports it before it returns`() throws {
        try withLoop { loop in
            let pool = try WorkerPool(loop: loop, threads: 2)
            let done = Shared(0)
            var reported = 0
            for _ in 0..<100 {
                pool.run({ done.increment() }) { _ in reported += 1 }
            }
            pool.shutdown()
            #expect(done.value == 100)
            #expect(reported == 100)
            pool.shutdown()

            var refusal: WorkerPoolError?
            pool.run({ 1 }) { result in
                if case .failure(let error as WorkerPoolError) = result { refusal = error }
                loop.stop()
            }
            run(loop)
            #expect(refusal == .shutDown)
            #expect(reported == 100)
        }
    }

    @Test func `what follows the work is let go on the loop's thread`() throws {
        final class Witness {
            let submitter: LoopSubmitter
            let wasOnLoop: Shared<[Bool]>
            init(_ submitter: LoopSubmitter, _ wasOnLoop: Shared<[Bool]>) {
                (self.submitter, self.wasOnLoop) = (submitter, wasOnLoop)
            }
            deinit { wasOnLoop.value += [submitter.isOnLoopThread] }
        }
        try withLoop { loop in
            let pool = try WorkerPool(loop: loop, threads: 2)
            let wasOnLoop = Shared<[Bool]>([])
            var count = 0
            for _ in 0..<200 {
                let witness = Witness(loop.submitter, wasOnLoop)
                pool.run({}) { _ in
                    withExtendedLifetime(witness) { count += 1 }
                    if count == 200 { loop.stop() }
                }
            }
            run(loop)
            pool.shutdown()
            #expect(wasOnLoop.value.count == 200)
            #expect(wasOnLoop.value.allSatisfy { $0 })
        }
    }

    @Test func `a pool that is dropped ends its threads`() throws {
        try withLoop { loop in
            let done = Shared(0)
            do {
                let pool = try WorkerPool(loop: loop, threads: 3)
                for _ in 0..<10 { pool.run({ done.increment() }) { _ in } }
            }
            #expect(done.value == 10)
        }
    }

    @Test func `threads of an abandoned pool may end at any moment`() throws {
        let loop = try EventLoop()
        for _ in 0..<300 {
            let pool = try WorkerPool(loop: loop, threads: 8)
            for _ in 0..<4 { pool.run({}, then: { _ in }) }
            pool.abandon()
        }
    }
}

extension Shared<Int> {
    func increment() { withLock { $0 += 1 } }
}
