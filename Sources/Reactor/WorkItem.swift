/// A piece of work and what follows it. It travels to a worker and back, and is touched by one
/// thread at a time: hence unchecked.
class WorkItem: @unchecked Sendable {
    /// On a worker.
    func perform() {}
    /// On the loop's thread, after `perform`, or instead of it with an error.
    func complete(refusal: WorkerPoolError?) {}
}

final class TypedWorkItem<Value: Sendable>: WorkItem, @unchecked Sendable {
    private var work: (@Sendable () throws -> Value)?
    private var result: Result<Value, any Error>?
    /// Belongs to the loop: taken out there before the item is let go, since a worker's reference
    /// may be the last.
    private var then: ((Result<Value, any Error>) -> Void)?

    init(
        work: @escaping @Sendable () throws -> Value,
        then: @escaping (Result<Value, any Error>) -> Void
    ) {
        self.work = work
        self.then = then
    }

    override func perform() {
        guard let work else { return }
        result = Result(catching: work)
        self.work = nil
    }

    override func complete(refusal: WorkerPoolError?) {
        let outcome = refusal.map { .failure($0) } ?? result
        guard let outcome, let then else { return }
        self.then = nil
        result = nil
        then(outcome)
    }
}
