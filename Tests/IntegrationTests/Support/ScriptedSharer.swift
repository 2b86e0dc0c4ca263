import Foundation
import Glibc
import Synchronization
import Wire

/// A sharer whose every connection is played by a script, on a thread of its own.
final class ScriptedSharer: Sendable {
    typealias Script = @Sendable (Play) throws -> Void

    /// What has happened so far.
    struct Ledger {
        /// Connections that came.
        var connections = 0
        /// Scripts that ended since the other side closed or broke the rules.
        var drops = 0
        /// What the script says it did that it should not have.
        var misdeeds = 0
        /// How often each block was sent in full.
        var served: [BlockRequest: Int] = [:]
        fileprivate var descriptors: Set<Int32> = []
        fileprivate var hasStopped = false

        /// A connection is there whose script goes on.
        var isOpen: Bool { !descriptors.isEmpty }

        var servedBytes: Int { served.reduce(0) { $0 + Int($1.key.length) * $1.value } }

        /// What was sent more than once.
        var repeatedBytes: Int { servedBytes - served.reduce(0) { $0 + Int($1.key.length) } }

        func isComplete(of content: Content) -> Bool {
            servedBytes - repeatedBytes == content.size
        }
    }

    fileprivate final class Book: Sendable {
        let ledger = Mutex(Ledger())
    }

    /// What a script has in its hands.
    struct Play {
        let link: Link
        let content: Content
        let infoHash: InfoHash
        let peerID: PeerID
        fileprivate let book: Book

        func note<T>(_ change: (inout Ledger) -> T) -> T { book.ledger.withLock { change(&$0) } }
    }

    let content: Content
    let infoHash: InfoHash
    let peerID: PeerID
    let port: UInt16
    private let descriptor: Int32
    private let book = Book()

    /// Listens on a free port; the tracker is told by `Network.announce`.
    /// - Parameter infoHash: another one than the content's.
    init(
        of content: Content, id: Int, infoHash: InfoHash? = nil, script: @escaping Script
    ) throws {
        self.content = content
        self.infoHash = infoHash ?? content.info.infoHash
        peerID = .scripted(id)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
        var address = sockaddr_in.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        guard address.withPointer({ bind(listener, $0, $1) }) == 0, listen(listener, 128) == 0,
            address.withPointer({ pointer, _ in getsockname(listener, pointer, &length) }) == 0
        else {
            close(listener)
            throw SpawnError(description: "can't listen: \(String(cString: strerror(errno)))")
        }
        (descriptor, port) = (listener, UInt16(bigEndian: address.sin_port))
        let (book, infoHash, peerID) = (book, self.infoHash, peerID)
        Thread {
            while true {
                let descriptor = accept(listener, nil, nil)
                if descriptor < 0, errno == EINTR { continue }
                guard descriptor >= 0 else { break }
                Thread {
                    let play = Play(
                        link: Link(descriptor: descriptor), content: content, infoHash: infoHash,
                        peerID: peerID, book: book)
                    ScriptedSharer.perform(script, play, descriptor)
                }.start()
            }
            close(listener)
        }.start()
    }

    deinit { stop() }

    /// `127.0.0.1:PORT`.
    var address: String { "127.0.0.1:\(port)" }

    var ledger: Ledger { book.ledger.withLock { $0 } }

    /// Ends all its connections and takes no more.
    func stop() {
        book.ledger.withLock { ledger in
            guard !ledger.hasStopped else { return }
            ledger.hasStopped = true
            // Their threads wake up from whatever they wait for, and close them.
            for descriptor in ledger.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
            shutdown(descriptor, Int32(SHUT_RDWR))
        }
    }

    private static func perform(_ script: Script, _ play: Play, _ descriptor: Int32) {
        let isWanted = play.note { ledger in
            ledger.connections += 1
            ledger.descriptors.insert(descriptor)
            return !ledger.hasStopped
        }
        guard isWanted else { return }
        let hasFinished = (try? script(play)) != nil
        // The link goes away after this: the number may be another's then.
        withExtendedLifetime(play.link) {
            play.note { ledger in
                ledger.descriptors.remove(descriptor)
                if !hasFinished { ledger.drops += 1 }
            }
        }
    }
}

extension ScriptedSharer.Play {
    /// Shakes hands as it should be, and tells of the pieces.
    func open(bitfield: [UInt8]? = nil) throws {
        _ = try link.receiveHandshake()
        try link.send(Handshake(infoHash: infoHash, peerID: peerID).encoded())
        try link.send(.bitfield(bitfield ?? content.fullBitfield))
    }

    /// Shakes hands as a peer of both extensions, and leaves it to the script to tell of the pieces.
    func openExtended(_ hello: ExtensionHandshake) throws {
        _ = try link.receiveHandshake()
        var handshake = Handshake(infoHash: infoHash, peerID: peerID)
        handshake.supportsExtensionProtocol = true
        handshake.supportsFastExtension = true
        try link.send(handshake.encoded())
        try link.send(.extended(id: 0, payload: hello.encoded()))
    }

    /// Unchokes who is interested, and sends what `reply` gives for each request.
    func serve(_ reply: (BlockRequest) throws -> [UInt8]) throws {
        while true {
            guard case .message(let message) = try link.next() else { continue }
            switch message {
            case .interested: try link.send(.unchoke)
            case .request(let request): try link.send(try reply(request))
            default: break
            }
        }
    }

    /// The right answer, which is put down.
    func answer(to request: BlockRequest) -> [UInt8] {
        note { $0.served[request, default: 0] += 1 }
        return content.answer(to: request)
    }
}

extension ScriptedSharer {
    /// Does everything as it should be.
    static let honest: Script = { play in
        try play.open()
        try play.serve { play.answer(to: $0) }
    }

    /// As the honest one, at so many bytes a second.
    static func honest(bytesPerSecond: Int) -> Script {
        { play in
            try play.open()
            var due = ContinuousClock.now
            try play.serve { request in
                due = max(due, .now) + .seconds(1) * Int(request.length) / bytesPerSecond
                Thread.sleep(until: due)
                return play.answer(to: request)
            }
        }
    }
}

extension Thread {
    fileprivate static func sleep(until instant: ContinuousClock.Instant) {
        let rest = (instant - .now) / .seconds(1)
        if rest > 0 { sleep(forTimeInterval: rest) }
    }
}
