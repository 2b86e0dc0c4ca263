import Glibc
import Reactor
import Wire

/// Sharing and downloading the files of groups.
extension NodeService {
    package func listFiles(group: String) throws(CommandError) -> [FileSummary] {
        try askTracker { $0.files(group: group, then: $1) }.files
    }

    package func fileInfo(group: String, name: String) throws(CommandError) -> FileDetails {
        try askTracker { $0.file(group: group, name: name, then: $1) }
    }

    package func uploadFile(
        path: String, group: String, cancellation: Cancellation,
        onProgress: @escaping @Sendable (HashProgress) -> Void
    ) throws(CommandError) -> UploadOutcome {
        let (networkID, root) = try tell { node throws(CommandError) in
            (try node.requireSession().networkID, node.root)
        }
        // Whether the user may share here is known before minutes of hashing, not after.
        try requireMembership(of: group, asking: Path.name(of: path))
        let hashed = try HashedContent(
            in: root, path: Path.absolute(path), cancellation: cancellation, onProgress: onProgress)
        let authority = try seal(of: group)?.authority
        let info = try hashed.info(source: "\(networkID)/\(group)", authority: authority)
        let answer = try askTracker {
            $0.addFile(group: group, AddFileRequest(info: Base64Bytes(info.encoded)), then: $1)
        }
        try startSharing(hashed, info: info, group: group, mtorrentPath: nil, trackers: [])
        return hashed.outcome(info: info, created: answer.created)
    }

    /// Throws where the user isn't in the group. Asks for one file, there or not, since the list of
    /// all may be long.
    private func requireMembership(
        of group: String, asking name: String
    ) throws(CommandError) {
        try askTracker { (tracker, reply: @escaping (Result<Void, TrackerError>) -> Void) in
            tracker.file(group: group, name: name.isEmpty ? "/" : name) { result in
                if case .failure(.refused(_, "no_such_file", _)) = result {
                    return reply(.success(()))
                }
                reply(result.map { _ in })
            }
        }
    }

    /// This node's place in a sealed group; nil for an open one.
    private func seal(of group: String) throws(CommandError) -> GroupSeal? {
        try ask { node, reply in
            do throws(CommandError) {
                try node.requireSession().seals.obtain(group) { result in
                    reply(result.mapError { CommandError($0) })
                }
            } catch {
                reply(.failure(error))
            }
        }
    }

    /// Records a share and serves it.
    func startSharing(
        _ hashed: HashedContent, info: Info, group: String, mtorrentPath: String?,
        trackers: [Endpoint]
    ) throws(CommandError) {
        try ask { (node, reply: Reply<Void>) in
            let user = group.isEmpty ? "" : node.session?.userID ?? ""
            let record = Share(
                user: user, group: group, infoHash: info.infoHash, name: info.name,
                path: hashed.path, mtorrentPath: mtorrentPath, info: info.encoded,
                identities: hashed.identities, isActive: true)
            let store = node.store
            node.stateWorker.run {
                try store.save(record)
            } then: { result in
                if case .failure(let error) = result {
                    return reply(.failure(CommandError(wrapping: error)))
                }
                // A file of that content in the group may be served from another path already.
                if case .sharing? = node.transfers.byInfoHash[info.infoHash]?.phase {
                    return reply(.success(()))
                }
                node.transfers.share(
                    record, info: info,
                    announcer: node.transfers.announcer(group: group, trackers: trackers))
                reply(.success(()))
            }
        }
    }

    package func downloadFile(
        group: String, name: String, destination: String, options: DownloadOptions
    ) throws(CommandError) -> DownloadStatus {
        try Path.requireDestination(destination)
        let details = try fileInfo(group: group, name: name)
        let info = try Transfers.info(details.info.bytes)
        guard info.infoHash == details.file.infoHash, info.name == name else {
            throw CommandError(
                "the tracker describes \(name) inconsistently: tell its operator",
                .badMetainfo)
        }
        return try startDownload(
            DownloadOrder(
                info: info, group: group,
                destination: Path.destination(
                    destination, name: name, in: try tell { $0.root })),
            options)
    }

    func startDownload(
        _ order: DownloadOrder, _ options: DownloadOptions
    ) throws(CommandError) -> DownloadStatus {
        var order = order
        order.wantedFiles = try FilePatterns.files(matching: options.only, in: order.info)
        order.isSequential = options.isSequential
        return try ask { [order] node, reply in
            node.transfers.start(order) { reply($0) }
        }
    }

    package func stopShare(group: String, name: String) throws(CommandError) {
        let user = try tell { node throws(CommandError) in try node.requireSession().userID }
        let details = try fileInfo(group: group, name: name)
        let infoHash = details.file.infoHash
        guard details.sharers.contains(where: { $0.userID == user }) else {
            throw CommandError("you don't share \(name) in \(group)", .notFound)
        }
        try askTracker { $0.unshare(group: group, name: name, then: $1) }
        try ask { (node, reply: Reply<Void>) in
            node.forget(infoHash, user: user) { reply($0) }
        }
    }

    package func export(
        group: String, name: String, torrentPath: String
    ) throws(CommandError) -> String {
        let details = try fileInfo(group: group, name: name)
        let info = try Transfers.info(details.info.bytes)
        let (passkey, trackers) = try tell { node throws(CommandError) in
            (try node.requireSession().passkey, node.configuration.trackers)
        }
        let urls = trackers.map { "http://\($0)/announce/\(passkey)" }
        let metainfo = Metainfo(
            info: info, trackers: [urls], createdBy: "mTorrent")
        let path = Path.destination(
            torrentPath, name: name + ".torrent", in: .anywhere)
        // It holds a passkey, which is a secret.
        try MTorrentDisk.write(metainfo.encoded(), to: path, mode: 0o600)
        if info.sslCertificate != nil, let identity = try seal(of: group)?.identity {
            try MTorrentDisk.write(
                identity.certificates + identity.key, to: path + ".pem", mode: 0o600)
        }
        return path
    }
}

extension HashedContent {
    /// The info dictionary as one of a group (BEP 3, 27, 47).
    /// - Parameter authority: of a sealed group.
    func info(source: String, authority: [UInt8]? = nil) throws(CommandError) -> Info {
        let info: Info
        do {
            let name = Path.name(of: path)
            info =
                isDirectory
                ? try Info(
                    name: name, files: files, pieceLength: pieceLength, pieces: pieces,
                    isPrivate: true, source: source, sslCertificate: authority)
                : try Info(
                    name: name, length: length, pieceLength: pieceLength, pieces: pieces,
                    isPrivate: true, sha1: files[0].sha1, source: source,
                    sslCertificate: authority)
        } catch {
            throw CommandError("\(path) can't be shared: \(error)", .badMetainfo)
        }
        guard info.encoded.count <= AddFileRequest.maxInfoLength else {
            throw CommandError(
                "\(path) has too many files to be described to the tracker: share its directories"
                    + " one by one", .badMetainfo)
        }
        return info
    }

    func outcome(info: Info, created: Bool) -> UploadOutcome {
        UploadOutcome(
            name: info.name, size: length, infoHash: info.infoHash.hex,
            sha1: isDirectory ? nil : files[0].sha1?.hex,
            fileCount: isDirectory ? identities.count : nil, pieceCount: info.pieceCount,
            pieceLength: info.pieceLength, created: created)
    }
}
