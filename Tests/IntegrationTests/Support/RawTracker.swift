import Foundation
import Wire

/// An exported `.torrent`, and what its owner may say to the tracker by it.
struct Ticket {
    let info: Info
    let announce: String
    let tiers: [[String]]

    var passkey: String { announce.split(separator: "/").last.map(String.init) ?? "" }

    init(_ path: String) throws {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let metainfo = try Metainfo(decoding: bytes)
        guard let announce = metainfo.trackers.first?.first else {
            throw CommandFailure(description: "no announce address in \(path)")
        }
        (info, self.announce, tiers) = (metainfo.info, announce, metainfo.trackers)
    }
}

/// What the tracker answered to an announce.
enum RawAnswer {
    case peers(AnnounceResponse)
    case refused(String)

    var isRefused: Bool {
        if case .refused = self { true } else { false }
    }
}

extension Network {
    /// The bytes of an HTTP answer.
    func bytes(of path: String) async throws -> (status: Int, body: [UInt8]) {
        let file = scratch("answer-\(UUID().uuidString)")
        let finished = try await run(
            "curl",
            [
                "--silent", "--show-error", "--max-time", "20", "--output", file,
                "--write-out", "%{http_code}", "http://\(tracker.address)\(path)",
            ])
        guard finished.code == 0, let status = finished.output.last.flatMap({ Int($0) }) else {
            throw CommandFailure(description: "curl \(path): \(finished.errors)")
        }
        let body = (try? Data(contentsOf: URL(fileURLWithPath: file))) ?? Data()
        return (status, [UInt8](body))
    }

    /// Announces as a leecher that hasn't a byte, from port 9.
    func announce(_ infoHash: InfoHash, passkey: String) async throws -> RawAnswer {
        let peer = try Handshake.stranger(infoHash).peerID
        let request = AnnounceRequest(
            infoHash: infoHash, peerID: peer, port: 9, uploaded: 0, downloaded: 0, left: 1,
            event: .started)
        let answer = try await bytes(of: "/announce/\(passkey)?\(request.query())")
        do throws(AnnounceResponseError) {
            return .peers(try AnnounceResponse(decoding: answer.body))
        } catch {
            return .refused("\(answer.status) \(error)")
        }
    }

    /// The counts of a torrent; nil when the tracker doesn't tell.
    func scrape(_ infoHash: InfoHash, passkey: String) async throws -> ScrapeResponse.Entry? {
        let query = ScrapeRequest(infoHashes: [infoHash]).query()
        let answer = try await bytes(of: "/scrape/\(passkey)?\(query)")
        return try? ScrapeResponse(decoding: answer.body).files[infoHash]
    }

    /// Waits until the swarm of an exported torrent has so many seeders or leechers.
    func swarm(of torrent: String, seeders: Int = 0, leechers: Int = 0) async throws {
        let ticket = try Ticket(torrent)
        try await eventually(
            "\(seeders) seeders and \(leechers) leechers", context: tracker.process.transcript
        ) {
            let entry = try await scrape(ticket.info.infoHash, passkey: ticket.passkey)
            return entry?.complete == seeders && entry?.incomplete == leechers
        }
    }
}

extension Handshake {
    /// What a client nobody knows would send.
    static func stranger(_ infoHash: InfoHash) throws -> Handshake {
        guard let peer = PeerID("-XX0000-000000000000".utf8) else {
            throw CommandFailure(description: "no peer id")
        }
        return Handshake(infoHash: infoHash, peerID: peer)
    }
}
