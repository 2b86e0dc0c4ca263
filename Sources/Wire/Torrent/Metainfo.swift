/// The content of a `.torrent` file (BEP 3, BEP 12).
package struct Metainfo: Hashable, Sendable {
    package var info: Info
    /// Announce URLs, in tiers that are tried in order (BEP 12).
    package var trackers: [[String]]
    package var comment: String?
    /// The program that wrote the file.
    package var createdBy: String?

    package init(
        info: Info, trackers: [[String]], comment: String? = nil, createdBy: String? = nil
    ) {
        self.info = info
        self.trackers = trackers
        self.comment = comment
        self.createdBy = createdBy
    }

    /// Reads a torrent file. `announce-list` goes before `announce`, as BEP 12 wants it; keys
    /// that aren't known here are passed over, save in the info dictionary.
    package init(decoding bytes: [UInt8]) throws(MetainfoError) {
        let value: Bencode
        do {
            value = try Bencode.decode(bytes, limits: Info.limits)
        } catch {
            throw .bencode(error)
        }
        guard let dictionary = value.dictionary else { throw .notADictionary }
        let info = try dictionary.require("info", \.dictionary)
        // What was decoded was canonical: encoding it again gives the bytes of the file.
        self.info = try Info(decoding: Bencode.dictionary(info).encoded())
        let tiers = try dictionary.find("announce-list", Self.tiers) ?? []
        if tiers.isEmpty {
            trackers = try dictionary.find("announce", \.text).map { [[$0]] } ?? []
        } else {
            trackers = tiers
        }
        comment = try dictionary.find("comment", \.text)
        createdBy = try dictionary.find("created by", \.text)
    }

    /// The bencoded torrent file.
    package func encoded() -> [UInt8] {
        let tiers = trackers.filter { !$0.isEmpty }
        var output: [UInt8] = [UInt8(ascii: "d")]
        func append(_ key: String, _ value: Bencode) {
            Bencode.encode(key.utf8, into: &output)
            value.encode(into: &output)
        }
        if let first = tiers.first?.first { append("announce", .text(first)) }
        if tiers.count > 1 || tiers.contains(where: { $0.count > 1 }) {
            append("announce-list", .list(tiers.map { .list($0.map { .text($0) }) }))
        }
        if let comment { append("comment", .text(comment)) }
        if let createdBy { append("created by", .text(createdBy)) }
        Bencode.encode("info".utf8, into: &output)
        output += info.encoded
        output.append(UInt8(ascii: "e"))
        return output
    }

    /// The non-empty tiers of an `announce-list`; nil if it isn't a list of lists of texts.
    private static func tiers(_ value: Bencode) -> [[String]]? {
        guard let list = value.list else { return nil }
        var tiers: [[String]] = []
        for tier in list {
            guard let items = tier.list else { return nil }
            let urls = items.compactMap(\.text)
            guard urls.count == items.count else { return nil }
            if !urls.isEmpty { tiers.append(urls) }
        }
        return tiers
    }
}
