import TrackerCore
import Wire

// How often files were downloaded: counted in memory, written down now and then.
extension TrackerService {
    /// Writes down what has been counted since the last time. What a crash takes is the last half
    /// minute's.
    func recordDownloads() {
        let counts = swarms.takeCompleted()
        guard !counts.isEmpty else { return }
        store.change { (store) throws(StoreError) in
            try store.record(downloads: counts)
        } then: { [logger] result in
            guard case .failure(let error) = result else { return }
            logger.warning("counts of downloads aren't written down", ["error": error])
        }
    }
}
