import Synchronization

extension NodeService {
    package func downloads() -> [DownloadStatus] {
        (try? tell { $0.transfers.downloads }) ?? []
    }

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
