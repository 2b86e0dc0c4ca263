import PeerCore
import Reactor
import Wire

/// What a user had running comes back: shares that are still what they were, downloads that were
/// not finished.
extension Transfers {
    /// Records of one user, with what a look at the disk said of each share.
    private struct Records: Sendable {
        var shares: [(record: Share, info: Info, trackers: [Endpoint])] = []
        var downloads: [RecordedDownload] = []
        /// Shares of groups whose file is not what it was, with their number of pieces.
        var unavailable: [(infoHash: InfoHash, pieceCount: Int)] = []
        var problems: [String] = []
    }

    private struct RecordedDownload {
        let record: Download
        let info: Info
        let trackers: [Endpoint]
        /// What is verified of it, as far as is known without a look at its file.
        let verifiedBytes: Int64
        /// What of it is at its destination already.
        let inPlace: [Int: FileIdentity]
    }

    func restore(user: String, then completion: @escaping (LoginSummary) -> Void) {
        let (store, root) = (node.store, node.root)
        node.diskWorkers.run {
            try Self.load(user: user, from: store, in: root)
        } then: { [self] result in
            var summary = LoginSummary(userID: user)
            switch result {
            case .failure(let error):
                summary.problems.append(
                    "what was shared before can't be read: \(CommandError(wrapping: error))")
                completion(summary)
            case .success(let records):
                summary.problems = records.problems
                checkMembership(of: records, summary, then: completion)
            }
        }
    }

    private static func load(
        user: String, from store: StateStore, in root: ShareRoot
    ) throws(CommandError) -> Records {
        var records = Records()
        // One that failed for want of space or of a directory may succeed now.
        let downloads = try store.downloads(user: user).filter { $0.state != .complete }
        let destinations = Dictionary(
            uniqueKeysWithValues: downloads.map {
                ($0.infoHash, $0.destination)
            })
        var inPlace: [InfoHash: [Int: FileIdentity]] = [:]
        for share in try store.shares(user: user) where share.isActive {
            do throws(CommandError) {
                let info = try info(share.info)
                if destinations[share.infoHash] == share.path,
                    SharedContent.selection(info, share.identities) != nil
                {
                    // More of its files are being downloaded.
                    inPlace[share.infoHash] = share.identities
                    continue
                }
                try SharedContent.check(
                    info, in: root, path: share.path, identities: share.identities)
                records.shares.append((share, info, trackers(of: share.mtorrentPath)))
            } catch {
                if !share.group.isEmpty, let info = try? info(share.info) {
                    records.unavailable.append((info.infoHash, info.pieceCount))
                }
                records.problems.append("\(share.name) is not shared again: \(error)")
            }
        }
        for download in downloads {
            do throws(CommandError) {
                let info = try info(download.info)
                records.downloads.append(
                    RecordedDownload(
                        record: download, info: info,
                        trackers: trackers(of: download.mtorrentPath),
                        verifiedBytes: verifiedBytes(store.resumes, of: download, info),
                        inPlace: inPlace[download.infoHash] ?? [:]))
            } catch {
                records.problems.append("\(download.name) is not resumed: \(error)")
            }
        }
        return records
    }

    private static func verifiedBytes(
        _ resumes: ResumeFolder, of record: Download, _ info: Info
    ) -> Int64 {
        let resume = resumes.resume(of: info.infoHash, pieceCount: info.pieceCount)
        guard let pieces = resume?.trusted(currentBootID: resumes.bootID) else { return 0 }
        let selection = record.wantedFiles.map { FileSelection($0) }
        return ContentLayout(info, selection: selection).contentLength(of: pieces, info)
    }

    static func info(_ bytes: [UInt8]) throws(CommandError) -> Info {
        do {
            return try Info(decoding: bytes)
        } catch {
            throw CommandError("its description is damaged: \(error)", .badMetainfo)
        }
    }

    /// The trackers a magnet link or a `.mtorrent` file names; none where there is no such file
    /// any more.
    private static func trackers(of mtorrentPath: String?) -> [Endpoint] {
        if let mtorrentPath, let link = try? MagnetLink(mtorrentPath) {
            return link.trackerEndpoints
        }
        guard let mtorrentPath, let file = try? MTorrentDisk.read(mtorrentPath) else { return [] }
        return file.trackers.compactMap { Endpoint($0) }
    }

    /// Where the torrents of a group, or of a `.mtorrent` file (no group), announce.
    func announcer(group: String, trackers: [Endpoint]) -> Announcer {
        group.isEmpty
            ? Announcer(clients: node.announceClients(for: trackers), session: nil)
            : Announcer(clients: node.announceClients(for: []), session: node.session)
    }

    /// Leaves out what the group has dropped, or the user has left, since.
    private func checkMembership(
        of records: Records, _ summary: LoginSummary,
        then completion: @escaping (LoginSummary) -> Void
    ) {
        let groups = Set(records.shares.map(\.record.group) + records.downloads.map(\.record.group))
            .subtracting([""]).sorted()
        var summary = summary
        var catalogues: [String: Set<InfoHash>] = [:]
        var open = groups.count
        func finish() {
            start(records, catalogues, &summary)
            completion(summary)
        }
        if groups.isEmpty { return finish() }
        for group in groups {
            node.tracker.files(group: group) { result in
                switch result {
                case .success(let list): catalogues[group] = Set(list.files.map(\.infoHash))
                case .failure(.refused(_, _, let message)):
                    catalogues[group] = []
                    summary.problems.append("\(group): \(message)")
                case .failure: break
                }
                open -= 1
                if open == 0 { finish() }
            }
        }
    }

    private func start(
        _ records: Records, _ catalogues: [String: Set<InfoHash>], _ summary: inout LoginSummary
    ) {
        func isListed(_ group: String, _ infoHash: InfoHash, _ name: String) -> Bool {
            guard let catalogue = catalogues[group], !catalogue.contains(infoHash) else {
                return true
            }
            summary.problems.append("\(name) is no longer in \(group)")
            return false
        }
        for (record, info, trackers) in records.shares {
            guard byInfoHash[record.infoHash] == nil,
                isListed(record.group, record.infoHash, record.name)
            else { continue }
            share(
                record, info: info,
                announcer: announcer(group: record.group, trackers: trackers))
            summary.sharesRestored += 1
        }
        for (infoHash, pieceCount) in records.unavailable where byInfoHash[infoHash] == nil {
            node.shareIsUnavailable(infoHash, pieceCount: pieceCount)
        }
        for download in records.downloads {
            let record = download.record
            guard byInfoHash[record.infoHash] == nil,
                isListed(record.group, record.infoHash, record.name)
            else { continue }
            enqueue(
                record, info: download.info,
                announcer: announcer(group: record.group, trackers: download.trackers),
                verifiedBytes: download.verifiedBytes, inPlace: download.inPlace)
            if record.state == .paused {
                summary.downloadsPaused += 1
            } else {
                summary.downloadsResumed += 1
            }
        }
    }
}
