import Reactor
import Wire

/// Connections of sealed groups: mutual TLS with the group's authority, as libtorrent's SSL torrents
/// have it. The server's name that is asked for is the info-hash in hex.
extension Node {
    /// Chooses the torrent that a TLS connection is for.
    static func acceptor(
        _ find: @escaping (InfoHash) -> TLSContext?
    ) throws(CommandError) -> TLSContext {
        do throws(TLSError) {
            return try TLSContext { name in InfoHash(hex: name).flatMap(find) }
        } catch {
            throw CommandError("\(error)")
        }
    }

    /// What members connect to: the seal of a torrent that runs.
    func serverContext(for infoHash: InfoHash) -> TLSContext? {
        guard let torrent = torrents[infoHash], torrent.isRunning, let group = torrent.sealedGroup
        else { return nil }
        return session?.seals.seal(of: group)?.server
    }

    /// What is wrong with who has asked for a torrent by name; nil: nothing.
    func problem(with peer: TLSPeer) -> String? {
        guard let name = peer.serverName, let infoHash = InfoHash(hex: name),
            let group = torrents[infoHash]?.sealedGroup, let session
        else { return "nobody is asked for" }
        return session.seals.problem(with: peer, in: group)
    }

    /// Has a connection that is being made speak TLS; one that can't isn't made.
    func secure(_ stream: Stream, to infoHash: InfoHash, _ group: String) {
        guard let session, let seal = session.seals.seal(of: group) else {
            return stream.closeAfterFlush(within: .zero)
        }
        stream.secure(
            with: seal.client, serverName: infoHash.hex, inKernel: KernelTLS.isOffered
        ) { [weak session] peer in
            session.map { $0.seals.problem(with: peer, in: group) } ?? "nobody is logged in"
        }
    }

    /// Calls `begin` once the seal of a torrent's group is there, and is that of the torrent.
    func whenSealed(_ group: String, _ info: Info, _ begin: @escaping () -> Void) {
        guard let session else { return }
        session.seals.obtain(group) { [weak self, weak session] result in
            guard let self, let session, session === self.session else { return }
            switch result {
            case .success(let seal):
                guard seal?.authority == info.sslCertificate else {
                    return notify("\(info.name): it is sealed by another than \(group)'s authority")
                }
                begin()
            case .failure(.unreachable), .failure(.refused(503, _, _)):
                loop.schedule(after: .seconds(1)) { [weak self] in
                    self?.whenSealed(group, info, begin)
                }
            case .failure(let error): notify("\(info.name): no certificate of \(group): \(error)")
            }
        }
    }
}
