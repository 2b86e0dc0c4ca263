import Glibc
import PeerCore
import Wire

/// Directories of which more files are wanted than were at first.
extension Transfers {
    /// The transfer that a download of some of a directory's files would add files to: one of the
    /// same directory to the same place. Nil where there is none, or where it has them anyway.
    /// - Parameter destination: of the download. As a person names it again, it may be a directory
    ///   of that name inside the one that came of the first time.
    /// - Parameter files: a bit for each of the torrent's files; nil for all.
    func extensible(
        _ info: Info, to destination: String, by files: Bitfield?
    ) -> Transfer? {
        guard let transfer = byInfoHash[info.infoHash], let selection = transfer.selection,
            [transfer.path, transfer.path + "/" + info.name].contains(where: {
                $0.utf8.elementsEqual(destination.utf8)
            })
        else { return nil }
        let wanted = selection.adding(files.map { FileSelection($0) }, of: info)
        switch transfer.phase {
        case .queued, .opening, .downloading, .paused, .sharing:
            return wanted == selection ? nil : transfer
        case .failed: return transfer.inPlace.isEmpty ? nil : transfer
        case .finishing, .stopped, .leaving: return nil
        }
    }

    /// Downloads more files of a directory beside those that it has or fetches. Where one has
    /// failed that had some, the others are given up.
    func extend(
        _ transfer: Transfer, by files: Bitfield?, isSequential: Bool,
        then completion: @escaping Completion
    ) {
        let info = transfer.info
        var present = transfer.selection
        // What it failed to get isn't asked for any more.
        if case .failed = transfer.phase {
            present = FileSelection(transfer.inPlace.keys, of: info)
        }
        let selection = present?.adding(files.map { FileSelection($0) }, of: info)
        let record = Download(
            user: transfer.user, group: transfer.group, infoHash: transfer.infoHash,
            name: transfer.name, destination: transfer.path, mtorrentPath: transfer.mtorrentPath,
            info: info.encoded, wantedFiles: selection?.files, isSequential: isSequential,
            state: .downloading, startedAtMilliseconds: Int64(time(nil)) * 1000)
        switch transfer.phase {
        case .sharing, .failed:
            stopTorrent(of: transfer)
            download(
                record, info: info, announcer: transfer.announcer, inPlace: transfer.inPlace,
                then: completion)
        case .finishing, .stopped, .leaving:
            preconditionFailure("it isn't extensible")
        case .queued, .opening, .downloading, .paused:
            stopTorrent(of: transfer)
            transfer.closeDownload()
            move(transfer, to: .paused)
            // On record before there are files of it, so that nobody takes them for complete ones.
            node.record(record) { [self] in
                if case .paused = transfer.phase, byInfoHash[transfer.infoHash] === transfer {
                    transfer.selection = selection
                    transfer.isSequential = isSequential
                    move(transfer, to: .queued)
                }
                completion(.success(transfer.status))
            }
        }
    }

    /// Ends a download whose partial files are gone. What of it was in place before stays shared.
    func giveUp(_ transfer: Transfer) {
        remove(transfer.infoHash)
        node.forgetDownload(transfer.infoHash, user: transfer.user)
        guard !transfer.inPlace.isEmpty else { return }
        share(
            transfer.share(of: transfer.inPlace), info: transfer.info,
            announcer: transfer.announcer)
    }
}
