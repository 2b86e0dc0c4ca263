/// Somebody who waits for downloads to end.
struct Waiter {
    let id: Int
    let transfers: [Transfer]
    /// Those that haven't ended.
    var open: Set<ObjectIdentifier>
    let completion: ([DownloadStatus]) -> Void
}

extension Transfers {
    /// Runs `completion` once the downloads of that name (all, for nil) have ended. Paused ones
    /// are told of and not waited for.
    /// - Returns: an id for `cancelWait`.
    func wait(
        name: String?, then completion: @escaping ([DownloadStatus]) -> Void
    ) -> Int {
        // One that ended before anybody waited is reported once.
        let awaited = inOrder.filter {
            guard $0.isDownload else { return false }
            if let name { return $0.name == name }
            return $0.isPending || !$0.wasAwaited
        }
        let open = awaited.filter(\.isPending).map { ObjectIdentifier($0) }
        let waiter = Waiter(
            id: nextNumber(), transfers: awaited, open: Set(open), completion: completion)
        if waiter.open.isEmpty { report(to: waiter) } else { waiters.append(waiter) }
        return waiter.id
    }

    func cancelWait(_ id: Int) { waiters.removeAll { $0.id == id } }

    /// A transfer has ended, or isn't waited for any more.
    func settleWaiters(of transfer: Transfer) {
        var done: [Waiter] = []
        for index in waiters.indices {
            waiters[index].open.remove(ObjectIdentifier(transfer))
            if waiters[index].open.isEmpty { done.append(waiters[index]) }
        }
        guard !done.isEmpty else { return }
        waiters.removeAll { $0.open.isEmpty }
        for waiter in done { report(to: waiter) }
    }

    private func report(to waiter: Waiter) {
        let ended = waiter.transfers.filter { transfer in
            if case .leaving = transfer.phase { false } else { true }
        }
        for transfer in ended { transfer.wasAwaited = !transfer.isUnfinished }
        waiter.completion(ended.map(\.status))
    }
}
