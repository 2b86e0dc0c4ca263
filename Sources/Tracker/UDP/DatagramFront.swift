import Reactor
import TrackerCore
import Wire

/// Announces and scrapes over UDP (BEP 15), on the port number of HTTP.
///
/// Nothing is kept for a client, and nothing longer than what it sent goes to an address that
/// hasn't proved that it receives there: the tracker can't be used to flood others.
final class DatagramFront {
    /// Who knows the swarms; set before the loop runs.
    var service: AnnounceService!
    private let loop: EventLoop
    private let connectionIDs: ConnectionIDs
    private var socket: DatagramSocket!
    private(set) var receivedBytes: UInt64 = 0
    private(set) var sentBytes: UInt64 = 0
    /// The answer being written.
    private var answer: [UInt8] = []
    /// Of the scrape being answered.
    private var scraped: [InfoHash] = []
    private var counts: [Swarms.Counts] = []

    /// With an answer's 20 bytes, what a path of 1,500 bytes carries without fragments.
    private static let mostPeers = (ipv4: 240, ipv6: 78)

    /// Receives once the loop runs.
    /// - Parameters:
    ///   - inherited: a socket that is bound already, instead of one for the address.
    ///   - sharingPort: with another reactor's.
    ///   - connectionIDs: the same for all reactors.
    init(
        loop: EventLoop, address: SocketAddress, inherited: Int32? = nil,
        sharingPort: Bool = false, connectionIDs: ConnectionIDs
    ) throws(SystemError) {
        self.loop = loop
        self.connectionIDs = connectionIDs
        let onReceive: DatagramSocket.ReceiveHandler = { [unowned self] in receive($0, from: $1) }
        socket =
            if let inherited {
                try DatagramSocket(loop: loop, descriptor: inherited, onReceive: onReceive)
            } else {
                try DatagramSocket(
                    loop: loop, address: address, bothFamilies: true, sharingPort: sharingPort,
                    onReceive: onReceive)
            }
    }

    func close() { socket.close() }

    func sharePort() throws(SystemError) { try socket.sharePort() }

    var droppedCount: Int { socket.droppedCount }

    private var now: Instant { Instant(nanoseconds: loop.now.nanoseconds) }

    private func receive(_ bytes: UnsafeRawBufferPointer, from source: SocketAddress) {
        receivedBytes += UInt64(bytes.count)
        // What is no request isn't answered at all.
        guard let datagram = TrackerDatagram(bytes), source.port != 0 else { return }
        answer.removeAll(keepingCapacity: true)
        let address = IPAddress(source)
        if datagram.action == .connect {
            TrackerDatagram.appendConnected(
                datagram.transaction,
                connectionID: connectionIDs.id(for: address, at: now), to: &answer)
        } else if connectionIDs.isValid(datagram.connectionID, for: address, at: now) {
            write(datagram, address)
        } else {
            TrackerDatagram.appendError(
                datagram.transaction, "connect again", limit: datagram.count, to: &answer)
        }
        sentBytes += UInt64(answer.count)
        answer.withUnsafeBytes { socket.send($0, to: source) }
    }

    private func write(_ datagram: TrackerDatagram, _ address: IPAddress) {
        do throws(AnnounceError) {
            if datagram.action == .announce {
                announce(try datagram.announce(), datagram, address)
            } else {
                service.metrics.countScrape(over: .udp)
                try scrape(datagram, address)
            }
        } catch {
            if datagram.action == .announce { service.count(.malformed, over: .udp) }
            TrackerDatagram.appendError(datagram.transaction, "\(error)", to: &answer)
        }
    }

    private func announce(
        _ request: AnnounceRequest, _ datagram: TrackerDatagram, _ address: IPAddress
    ) {
        let isIPv4 = address.isIPv4
        let path = datagram.withURLData { AnnouncePath(urlData: $0) }
        let outcome = service.announce(
            service.arrived(request, path: path, from: address),
            mostPeers: isIPv4 ? Self.mostPeers.ipv4 : Self.mostPeers.ipv6)
        switch outcome {
        case .refused(let failure):
            service.count(.refused, over: .udp)
            TrackerDatagram.appendError(datagram.transaction, failure.reason, to: &answer)
        case .entered(let counts):
            service.count(.entered, over: .udp)
            TrackerDatagram.appendAnnounced(
                datagram.transaction, interval: service.announceSeconds,
                leechers: counts.leechers, seeders: counts.seeders,
                peers: isIPv4 ? service.chosen.ipv4 : service.chosen.ipv6, to: &answer)
        }
    }

    /// Swarms that a stranger may not know are answered as empty: the entries have no names, so
    /// that none can be left out. A scrape carries no path and so no passkey.
    private func scrape(
        _ datagram: TrackerDatagram, _ address: IPAddress
    ) throws(AnnounceError) {
        let count = try datagram.scrapedCount()
        if service.isTooOften(address) {
            return TrackerDatagram.appendError(
                datagram.transaction, AnnounceService.tooOften.reason, limit: datagram.count,
                to: &answer)
        }
        scraped.removeAll(keepingCapacity: true)
        for index in 0..<count { scraped.append(datagram.scraped(index)) }
        service.scrapeOpen(scraped, into: &counts)
        TrackerDatagram.appendScraped(datagram.transaction, to: &answer)
        for counts in counts {
            TrackerDatagram.appendScrapedEntry(
                seeders: counts.seeders, completed: counts.completed,
                leechers: counts.leechers, to: &answer)
        }
    }
}
