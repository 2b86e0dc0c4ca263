import Dispatch
import Synchronization

/// One answer that travels from the loop's thread to the thread that waits for it.
final class Answer<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, CommandError>?>(nil)
    private let arrived = DispatchSemaphore(value: 0)

    /// The first resolution counts.
    func resolve(_ value: Result<Value, CommandError>) {
        let isFirst = result.withLock { result in
            guard result == nil else { return false }
            result = value
            return true
        }
        if isFirst { arrived.signal() }
    }

    func wait() throws(CommandError) -> Value {
        arrived.wait()
        guard let result = result.withLock({ $0 }) else {
            preconditionFailure("signalled only after it was set")
        }
        return try result.get()
    }
}

/// The loop's end of an `Answer`. One that is dropped without an answer, because the node stopped,
/// answers that.
final class Reply<Value: Sendable>: Sendable {
    private let answer: Answer<Value>

    init(_ answer: Answer<Value>) {
        self.answer = answer
    }

    deinit {
        answer.resolve(.failure(CommandError("the peer is stopping", .interrupted)))
    }

    func callAsFunction(_ result: Result<Value, CommandError>) {
        answer.resolve(result)
    }
}
