import Synchronization

extension NodeService {
    package func downloads() -> [DownloadStatus] {
        (try? tell { $0.transfers.downloads }) ?? []
    }

    package func activeDownloads() -> [DownloadStatus] {
        (try? tell { $0.transfers.activeDownloads }) ?? []
    }

    package func pause(group: String?, name: String) throws(CommandError) -> DownloadStatus {
        try change(.pause, group, name) { $0.pause($1, then: $2) }
    }

    package func resume(group: String?, name: String) throws(CommandError) -> DownloadStatus {
        try change(.resume, group, name) { $0.resume($1, then: $2) }
    }

    package func cancel(group: String?, name: String) throws(CommandError) -> DownloadStatus {
        try change(.cancel, group, name) { $0.cancel($1, then: $2) }
    }

    private func change(
        _ change: Transfers.Change, _ group: String?, _ name: String,
        _ body: @escaping @Sendable (Transfers, Transfer, @escaping Transfers.Completion) -> Void
    ) throws(CommandError) -> DownloadStatus {
        try ask { node, reply in
            do throws(CommandError) {
                let transfer = try node.transfers.find(name, group: group, for: change)
                body(node.transfers, transfer) { reply($0) }
            } catch {
                reply(.failure(error))
            }
        }
    }

    // MARK: Limits

    package func limits() -> RateLimits {
        (try? tell { $0.limits }) ?? RateLimits()
    }

    package func setLimit(_ direction: Direction, _ bytesPerSecond: Int?) {
        _ = try? tell { $0.limits[direction] = bytesPerSecond }
    }

    // MARK: Waiting

    package func waitForDownloads(
        name: String?, cancellation: Cancellation
    ) throws(CommandError) -> [DownloadStatus] {
        let answer = Answer<[DownloadStatus]>()
        // The wait's id is known to the loop's thread only, which also cancels it.
        let wait = WaitID()
        submitter.submit { [reference] in
            wait.value = reference.node.transfers.wait(name: name) { answer.resolve(.success($0)) }
            reference.node.addStopHandler {
                answer.resolve(.failure(CommandError("the peer is stopping", .interrupted)))
            }
        }
        cancellation.onCancel { [submitter, reference] in
            submitter.submit {
                if let id = wait.value { reference.node.transfers.cancelWait(id) }
                answer.resolve(.failure(CommandError("interrupted", .interrupted)))
            }
        }
        return try answer.wait()
    }

    /// Used on the loop's thread only.
    private final class WaitID: @unchecked Sendable {
        var value: Int?
    }
}
