import TrackerCore

/// What the path of an announce or a scrape says of who asks: `/announce`, or
/// `/announce/<passkey>`; the same over HTTP and over UDP (BEP 41).
enum AnnouncePath {
    /// No passkey.
    case open
    case passkey(Passkey)
    /// What stands for the passkey isn't 32 hex digits.
    case malformed

    /// - Parameter prefix: `/announce` or `/scrape`.
    /// - Returns: nil where the path is another.
    init?(_ path: UnsafeRawBufferPointer, behind prefix: StaticString) {
        let count = prefix.utf8CodeUnitCount
        guard path.count >= count else { return nil }
        for index in 0..<count where path[index] != prefix.utf8Start[index] { return nil }
        if path.count == count {
            self = .open
            return
        }
        guard path[count] == UInt8(ascii: "/") else { return nil }
        let digits = UnsafeRawBufferPointer(rebasing: path[(count + 1)...])
        self = Passkey(hexDigits: digits).map { .passkey($0) } ?? .malformed
    }

    /// Of the URL data of a datagram: an empty path and one of `/` stand for `/announce`.
    init(urlData: UnsafeRawBufferPointer) {
        let end = urlData.firstIndex(of: UInt8(ascii: "?")) ?? urlData.count
        let path = UnsafeRawBufferPointer(rebasing: urlData[..<end])
        if path.isEmpty || path.elementsEqual(CollectionOfOne(UInt8(ascii: "/"))) {
            self = .open
        } else {
            self = AnnouncePath(path, behind: "/announce") ?? .malformed
        }
    }
}
