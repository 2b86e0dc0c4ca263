import TrackerCore
import Wire

// The catalogues, who shares what, and which pieces they hold.
extension API {
    func listFiles(_ id: String, _ call: Call) throws(APIError) {
        let group = try requireMembership(of: id, call)
        let files = service.directory.files(of: group).map { file in
            FileSummary(
                name: file.record.name, size: file.record.size, infoHash: file.record.infoHash,
                sha1: file.record.sha1, fileCount: file.record.fileCount,
                sharersOnline: onlineCount(of: file),
                sharers: file.sharers.count)
        }
        answerLong(FileList(files: files), count: files.count, call)
    }

    func describeFile(_ name: String, _ id: String, _ call: Call) throws(APIError) {
        let group = try requireMembership(of: id, call)
        guard group.files[ByteName(name)] != nil else { throw .noSuchFile(name, in: id) }
        service.store.read { (store) throws(StoreError) in
            try store.info(of: name, in: id)
        } then: { [service] result in
            // Both may have changed while the database was read.
            guard let info = try? result.get(), let file = service.directory.file(name, of: id)
            else {
                if case .failure(let error) = result { return fail(error, call) }
                return call.exchange.respond(APIError.noSuchFile(name, in: id).response)
            }
            call.exchange.answer(
                FileDetails(
                    file: describe(file), info: Base64Bytes(info), sharers: sharers(of: file)))
        }
    }

    private func describe(_ file: Directory.File) -> FileDescription {
        let record = file.record
        return FileDescription(
            name: record.name, size: record.size, infoHash: record.infoHash, sha1: record.sha1,
            fileCount: record.fileCount, sharersOnline: onlineCount(of: file),
            sharers: file.sharers.count,
            pieceLength: record.pieceLength, pieceCount: record.pieceCount,
            addedBy: record.addedBy, addedAt: file.addedAt)
    }

    /// Who shares the file, online or not, then who is online and has pieces of it.
    private func sharers(of file: Directory.File) -> [SharerInfo] {
        let presence = service.presence
        let record = file.record
        let downloaders = presence.holders(of: record.infoHash).filter { user in
            !file.sharers.contains(user) && presence.isOnline(user)
        }
        return (file.sharers + downloaders).compactMap { user in
            let isSharer = file.sharers.contains(user)
            // Who shares a file has all of it, unless the peer has said otherwise.
            let pieces =
                presence.pieces(record.infoHash, heldBy: user, of: record.pieceCount)
                ?? (isSharer ? record.pieceCount : 0)
            guard isSharer || pieces > 0 else { return nil }
            return SharerInfo(
                userID: service.directory.users[Int(user)].id, online: presence.isOnline(user),
                pieces: pieces)
        }
    }

    func addFile(_ group: String, _ call: Call) throws(APIError) {
        _ = try requireMembership(of: group, call)
        let (body, user) = (call.request.body, call.userID)
        // The dictionary of a large file takes milliseconds to decode and hash.
        service.store.change { (store) throws(StoreError) in
            let info: Info
            let authority = try store.authority(ofGroup: group)?.certificate
            do throws(APIError) {
                info = try API.info(
                    decoding: body, source: "\(store.networkID)/\(group)", authority: authority)
            } catch {
                return Result<AddFileResponse, APIError>.failure(error)
            }
            let command = DirectoryCommand.addFile(
                group: group, file: FileRecord(info: info, addedBy: user), info: info.encoded)
            let answer = try store.perform(command, at: StoreWorker.wallClock)
            return .success(
                AddFileResponse(
                    infoHash: info.infoHash, created: answer == .fileAdded(created: true)))
        } then: { result in
            switch result {
            case .success(.success(let response)):
                call.exchange.answer(response, status: response.created ? 201 : 200)
            case .success(.failure(let error)): call.exchange.respond(error.response)
            case .failure(let error): fail(error, call)
            }
        }
    }

    /// The info dictionary in the body of a request, if it is one that the group can have.
    /// - Parameter authority: a sealed group's.
    private static func info(
        decoding body: [UInt8], source: String, authority: [UInt8]?
    ) throws(APIError) -> Info {
        let request = try API.decode(AddFileRequest.self, body)
        let info: Info
        do throws(MetainfoError) {
            info = try Info(decoding: request.info.bytes)
        } catch {
            throw .invalidInfo("\(error)")
        }
        guard info.isPrivate else { throw .invalidInfo("'private' must be 1") }
        guard info.source == source else { throw .invalidInfo("'source' must be '\(source)'") }
        guard info.sslCertificate == authority else {
            throw .invalidInfo("'ssl-cert' must be that of the group's authority")
        }
        if let file = info.files.first(where: { $0.sha1 == nil && !$0.isPad }) {
            throw .invalidInfo("'sha1' of '\(file.joinedPath)' is missing")
        }
        return info
    }

    func share(_ name: String, _ group: String, _ call: Call) {
        perform(.share(group: group, name: name, user: call.userID), call, status: 204)
    }

    func stopSharing(_ name: String, _ group: String, _ call: Call) {
        perform(.stopSharing(group: group, name: name, user: call.userID), call, status: 204)
    }

    func report(_ call: Call) throws(APIError) {
        let body = call.request.body
        if body.count <= API.shortBody {
            return try take(try API.decode(HoldingsReport.self, body), call)
        }
        // Of thousands of files: decoded off the loop's thread.
        service.passwordPool.run {
            Result { () throws(APIError) in try API.decode(HoldingsReport.self, body) }
        } then: { result in
            do throws(APIError) {
                switch result {
                case .success(let report): try take(try report.get(), call)
                case .failure: throw APIError.busy
                }
            } catch {
                call.exchange.respond(error.response)
            }
        }
    }

    /// About a millisecond's work.
    private static let shortBody = 32 << 10

    private func take(_ report: HoldingsReport, _ call: Call) throws(APIError) {
        try service.report(report.holdings, by: call.user)
        call.exchange.answer(json: nil, status: 204)
    }

    /// Sharers that serve the file now: one may be online and have told that the file is gone.
    private func onlineCount(of file: Directory.File) -> Int {
        let (record, presence) = (file.record, service.presence)
        return file.sharers.count { user in
            let pieces = presence.pieces(record.infoHash, heldBy: user, of: record.pieceCount)
            return presence.isOnline(user) && (pieces != 0 || record.pieceCount == 0)
        }
    }

    func requireMembership(
        of id: String, _ call: Call
    ) throws(APIError) -> Directory.Group {
        guard let group = service.directory.group(id) else { throw .noSuchGroup(id) }
        guard group.isMember(call.user) else { throw .notMember(id) }
        return group
    }
}

extension FileRecord {
    /// The record of what an info dictionary describes.
    init(info: Info, addedBy: String) {
        self.init(
            name: info.name, infoHash: info.infoHash, size: info.contentLength, sha1: info.sha1,
            fileCount: info.isDirectory ? info.files.count { !$0.isPad } : nil,
            pieceLength: info.pieceLength, pieceCount: info.pieceCount, addedBy: addedBy)
    }
}
