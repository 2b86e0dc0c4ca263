/// A question for the numbers of some swarms (BEP 48).
package struct ScrapeRequest: Hashable, Sendable {
    package var infoHashes: [InfoHash]

    package init(infoHashes: [InfoHash]) {
        self.infoHashes = infoHashes
    }

    /// Reads the query of a scrape, which must name one info-hash and may name up to `limit`.
    package init(
        parsingQuery bytes: UnsafeRawBufferPointer, limit: Int = 64
    ) throws(AnnounceError) {
        infoHashes = []
        var reader = QueryReader(bytes)
        while let (name, value) = reader.next() {
            guard reader.matches(name, "info_hash") else { continue }
            guard let infoHash = reader.twentyBytes(value) else { throw .malformed(.infoHash) }
            guard infoHashes.count < limit else { throw .tooManyInfoHashes(limit: limit) }
            infoHashes.append(InfoHash(infoHash))
        }
        guard !infoHashes.isEmpty else { throw .missing(.infoHash) }
    }

    /// Reads the query of a scrape.
    package init(parsingQuery bytes: [UInt8], limit: Int = 64) throws(AnnounceError) {
        self = try bytes.withRawBytes { (raw) throws(AnnounceError) in
            try ScrapeRequest(parsingQuery: raw, limit: limit)
        }
    }

    /// The query of the scrape URL, without the `?`.
    package func query() -> String {
        infoHashes.map { "info_hash=" + PercentEncoding.encode($0.bytes) }.joined(separator: "&")
    }
}

/// The numbers of some swarms (BEP 48).
package struct ScrapeResponse: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        /// The number of seeders.
        package var complete: Int
        /// How many downloads were ever completed.
        package var downloaded: Int
        /// The number of leechers that want more (BEP 21); nil where the tracker doesn't tell.
        package var downloaders: Int?
        /// The number of leechers.
        package var incomplete: Int

        package init(
            complete: Int, downloaded: Int, downloaders: Int? = nil, incomplete: Int
        ) {
            self.complete = complete
            self.downloaded = downloaded
            self.downloaders = downloaders
            self.incomplete = incomplete
        }
    }

    package var files: [InfoHash: Entry]

    package init(files: [InfoHash: Entry]) {
        self.files = files
    }

    /// Appends the bencoded answer.
    package func encode(into output: inout [UInt8]) {
        output.append("d5:filesd")
        for (infoHash, entry) in files.sorted(by: { $0.key < $1.key }) {
            infoHash.withBytes { Bencode.encode($0, into: &output) }
            output.append("d8:completei")
            output.appendDecimal(entry.complete)
            output.append("e10:downloadedi")
            output.appendDecimal(entry.downloaded)
            if let downloaders = entry.downloaders {
                output.append("e11:downloadersi")
                output.appendDecimal(downloaders)
            }
            output.append("e10:incompletei")
            output.appendDecimal(entry.incomplete)
            output.append("ee")
        }
        output.append("ee")
    }

    /// Reads a tracker's answer. A refusal is thrown as `failure`.
    package init(decoding bytes: [UInt8]) throws(AnnounceResponseError) {
        let dictionary = try AnnounceResponseError.dictionary(bytes)
        guard let list = dictionary["files"]?.dictionary else { throw .malformed(key: "files") }
        files = [:]
        for (key, value) in list {
            guard let infoHash = InfoHash(key), let entry = value.dictionary else {
                throw .malformed(key: "files")
            }
            files[infoHash] = Entry(
                complete: Self.count(entry["complete"]),
                downloaded: Self.count(entry["downloaded"]),
                downloaders: entry["downloaders"].map(Self.count),
                incomplete: Self.count(entry["incomplete"]))
        }
    }

    private static func count(_ value: Bencode?) -> Int {
        max(0, Int(value?.integer ?? 0))
    }
}
