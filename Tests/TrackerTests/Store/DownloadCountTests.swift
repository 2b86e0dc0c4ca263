import Testing
import TrackerCore
import Wire

@testable import Tracker

/// How often files were downloaded, over the tracker's end and in the database.
@Suite struct DownloadCountTests {
    @Test func `counts of a group's downloads outlive a restart`() throws {
        let first = try RunningTracker()
        let ann = try first.member("ann")
        try ann.createGroup("g")
        let file = try ann.addFile("f", to: "g")
        let open = InfoHash(SHA1Hasher.hash(Array("open".utf8)))
        for (infoHash, passkey) in [(file, ann.session.passkey), (open, nil)] {
            for (left, event) in [(1, AnnounceRequest.Event.started), (0, .completed)] {
                _ = try ann.client.announce(
                    infoHash, passkey: passkey, left: UInt64(left), event: event, port: 7000)
            }
            let counts = try ann.client.scrape([infoHash], passkey: passkey).files[infoHash]
            #expect(counts?.downloaded == 1)
        }
        #expect(first.stop())

        let second = try RunningTracker(folder: first.folder)
        let client = try second.connect()
        let counts = try client.scrape([file], passkey: ann.session.passkey).files[file]
        #expect(counts?.downloaded == 1)
        #expect(counts?.complete == 1)
        // Strangers could fill the database with theirs.
        #expect(try client.scrape([open], passkey: nil).files[open]?.downloaded == 0)
    }

    @Test func `the store keeps the largest count, of files that are there`() throws {
        let fixture = try StoreFixture()
        try fixture.createUsers("ann")
        try fixture.createGroup("g", owner: "ann")
        try fixture.addFile("f", to: "g", by: "ann")
        try fixture.addFile("h", to: "g", by: "ann")
        let hash = record("f", group: "g", by: "ann").infoHash
        let stranger = InfoHash(SHA1Hasher.hash([1, 2, 3]))
        #expect(try fixture.store.downloads() == [:])
        try fixture.store.record(downloads: [hash: 5, stranger: 7])
        try fixture.store.record(downloads: [hash: 3])
        #expect(try fixture.store.downloads() == [hash: 5])
        try fixture.reopen()
        #expect(try fixture.store.downloads() == [hash: 5])
    }
}
