import Foundation
import Synchronization
import Wire

/// A leecher that asks for nothing, and hears which pieces a peer has.
final class HaveObserver: Sendable {
    private struct State {
        var pieces: [Set<Int>] = []
        var hasEnded = false
        var isOver = false
    }

    private let state = Mutex(State())

    init(of port: UInt16, _ content: Content) {
        Thread { [self] in
            try? listen(to: port, content)
            state.withLock { $0.hasEnded = true }
        }.start()
    }

    /// What it had at first, then each piece that came.
    var pieces: [Set<Int>] { state.withLock { $0.pieces } }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// Ends by itself when nobody is there any more.
    func stop() { state.withLock { $0.isOver = true } }

    /// The peer may not listen yet, or not know the torrent.
    private func connect(to port: UInt16, _ content: Content) -> Link? {
        while !state.withLock({ $0.isOver }) {
            if let link = try? Link(port: port),
                (try? link.send(
                    Handshake(infoHash: content.info.infoHash, peerID: .scripted(77)).encoded()))
                    != nil,
                (try? link.receiveHandshake()) != nil
            {
                return link
            }
            Thread.sleep(forTimeInterval: 0.002)
        }
        return nil
    }

    private func listen(to port: UInt16, _ content: Content) throws {
        guard let link = connect(to: port, content) else { return }
        while true {
            guard case .message(let message) = try link.next() else { continue }
            switch message {
            case .bitfield(let bits):
                let pieces = (0..<content.info.pieceCount).filter {
                    bits[$0 / 8] & (0x80 >> ($0 % 8)) != 0
                }
                state.withLock { $0.pieces.append(Set(pieces)) }
            case .have(let piece): state.withLock { $0.pieces.append([Int(piece)]) }
            default: break
            }
        }
    }
}
