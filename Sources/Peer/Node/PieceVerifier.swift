import Reactor
import Wire

/// Verifies pieces that lie in memory as a whole, several together: that takes a fraction of the
/// time that one after the other takes. On the loop's thread.
final class PieceVerifier {
    /// A piece that waits.
    private struct Request {
        let work: Work
        let then: (Result<Bool, any Error>) -> Void
    }

    /// What a worker does of it.
    struct Work: Sendable {
        let content: DownloadContent
        let piece: Int
        /// All of the piece.
        let parcel: StagedPiece.Parcel
    }

    /// As many as fill the processor's lanes a few times over, unless they are large.
    private static let maxCount = 4 * SHA1Batch.size
    private static let maxBytes = SHA1Batch.size << 20
    /// What a piece waits for others to come.
    private static let longestWait: Duration = .milliseconds(20)

    private let loop: EventLoop
    private let workers: WorkerPool
    private var waiting: [Request] = []
    private var waitingBytes = 0
    private var timer: TimerID?

    init(loop: EventLoop, workers: WorkerPool) {
        self.loop = loop
        self.workers = workers
    }

    /// Has a piece stored and hashed before long; `then` is told whether it has its hash.
    func verify(_ work: Work, then: @escaping (Result<Bool, any Error>) -> Void) {
        waiting.append(Request(work: work, then: then))
        waitingBytes += work.parcel.length
        if waiting.count >= Self.maxCount || waitingBytes >= Self.maxBytes {
            flush()
        } else if timer == nil {
            timer = loop.schedule(after: Self.longestWait) { [unowned self] in
                timer = nil
                flush()
            }
        }
    }

    /// What waits has nothing left to wait for.
    func flush() {
        if let timer { loop.cancel(timer) }
        timer = nil
        guard !waiting.isEmpty else { return }
        let requests = waiting
        waiting = []
        waitingBytes = 0
        let works = requests.map(\.work)
        workers.run {
            Self.results(of: works)
        } then: { result in
            for (index, request) in requests.enumerated() {
                request.then(result.flatMap { $0[index].mapError { $0 } })
            }
        }
    }

    /// Hashes and stores; on a worker.
    private static func results(of works: [Work]) -> [Result<Bool, CommandError>] {
        var results = [Result<Bool, CommandError>](repeating: .success(false), count: works.count)
        // All have one length but for the last one of a torrent.
        for indices in Dictionary(grouping: works.indices, by: { works[$0].parcel.length }).values {
            let digests = SHA1Batch.hash(indices.map { works[$0].parcel.bytes })
            for (index, digest) in zip(indices, digests) {
                let work = works[index]
                results[index] = Result { () throws(CommandError) in
                    try work.content.take(work.parcel, of: work.piece, digest)
                }
            }
        }
        return results
    }
}
