// A tracker's answers (BEP 15); numbers in network order.
extension TrackerDatagram {
    /// Appends the 16 bytes that give a client its connection id.
    package static func appendConnected(
        _ transaction: UInt32, connectionID: UInt64, to output: inout [UInt8]
    ) {
        appendHead(.connect, transaction, to: &output)
        output.appendBigEndian(connectionID)
    }

    /// Appends an answer to an announce: 20 bytes, then these compact peers, 6 bytes each for a
    /// client that asks over IPv4 and 18 for one that asks over IPv6.
    /// - Parameter interval: seconds until the next announce.
    package static func appendAnnounced(
        _ transaction: UInt32, interval: Int, leechers: Int, seeders: Int, peers: [UInt8],
        to output: inout [UInt8]
    ) {
        appendHead(.announce, transaction, to: &output)
        output.appendBigEndian(UInt32(clamping: interval))
        output.appendBigEndian(UInt32(clamping: leechers))
        output.appendBigEndian(UInt32(clamping: seeders))
        output.append(contentsOf: peers)
    }

    /// Appends the 8 bytes before the entries of an answer to a scrape.
    package static func appendScraped(_ transaction: UInt32, to output: inout [UInt8]) {
        appendHead(.scrape, transaction, to: &output)
    }

    /// Appends one info-hash's 12 bytes of an answer to a scrape.
    package static func appendScrapedEntry(
        seeders: Int, completed: Int, leechers: Int, to output: inout [UInt8]
    ) {
        output.appendBigEndian(UInt32(clamping: seeders))
        output.appendBigEndian(UInt32(clamping: completed))
        output.appendBigEndian(UInt32(clamping: leechers))
    }

    /// Appends an error of at most `limit` bytes: the text is cut where it doesn't fit.
    package static func appendError(
        _ transaction: UInt32, _ text: String, limit: Int = .max, to output: inout [UInt8]
    ) {
        appendHead(.error, transaction, to: &output)
        output.append(contentsOf: text.utf8.prefix(max(0, limit - 8)))
    }

    private static func appendHead(
        _ action: Action, _ transaction: UInt32, to output: inout [UInt8]
    ) {
        output.appendBigEndian(action.rawValue)
        output.appendBigEndian(transaction)
    }
}
