import Glibc
import PeerCore
import Wire

/// What to download, and where to.
struct DownloadOrder: Sendable {
    var info: Info
    /// Empty for one without an account.
    var group = ""
    /// Absolute path of the file or directory.
    var destination: String
    /// The `.mtorrent` file or the magnet link, where there is one.
    var mtorrentPath: String?
    var trackers: [Endpoint] = []
    /// A bit for each of the info's files; nil for all.
    var wantedFiles: Bitfield?
    var isSequential = false
}

extension Transfers {
    /// Records a download and begins it, or says why it can't begin.
    func start(_ order: DownloadOrder, then completion: @escaping Completion) {
        let (info, destination) = (order.info, order.destination)
        if let known = extensible(info, to: destination, by: order.wantedFiles) {
            return extend(
                known, by: order.wantedFiles, isSequential: order.isSequential, then: completion)
        }
        do throws(CommandError) {
            try requireFree(info, destination)
        } catch {
            return completion(.failure(error))
        }
        let user = order.group.isEmpty ? "" : node.session?.userID ?? ""
        let record = Download(
            user: user, group: order.group, infoHash: info.infoHash, name: info.name,
            destination: destination, mtorrentPath: order.mtorrentPath, info: info.encoded,
            wantedFiles: order.wantedFiles, isSequential: order.isSequential,
            state: .downloading, startedAtMilliseconds: Int64(time(nil)) * 1000)
        let announcer = announcer(group: order.group, trackers: order.trackers)
        download(record, info: info, announcer: announcer, then: completion)
    }

    /// The description that a magnet link led to.
    static func publicInfo(_ metadata: [UInt8]) throws(CommandError) -> Info {
        let info = try info(metadata)
        guard !info.isPrivate else {
            throw CommandError(
                "\(info.name) is private: its description comes from its tracker only", .refused)
        }
        guard info.sslCertificate == nil else {
            throw CommandError(
                "\(info.name) is for members of a sealed group: download it from there", .refused)
        }
        return info
    }
}
