import Testing
import Wire

@testable import Peer

@Suite struct ResumeFolderTests {
    private let scratch = ScratchDirectory()
    private let infoHash = InfoHash([UInt8](repeating: 7, count: 20))!
    private let file = FileIdentity(
        device: 1, inode: .max, size: 9, modifiedNanoseconds: 5)

    private func folder(bootID: String = "boot") -> ResumeFolder {
        ResumeFolder(directory: scratch.file("resume"), bootID: bootID)
    }

    @Test func `what is noted is there for the next one to read`() throws {
        let record = try folder().begin(infoHash, in: file, [.missing, .doubtful, .missing])
        try record.note(2, .verified)
        try record.note(1, .verified)
        #expect(record.unsyncedPieces() == [1, 2])
        try record.noteSynced([1])
        #expect(record.unsyncedPieces() == [2])
        let resume = try #require(folder().resume(of: infoHash, pieceCount: 3))
        #expect(resume.marks == [.missing, .synced, .verified])
        #expect(resume.bootID == "boot" && resume.device == 1 && resume.inode == .max)
    }

    @Test func `a record begun anew replaces the one before`() throws {
        let old = try folder().begin(infoHash, in: file, [.verified, .verified])
        _ = try folder(bootID: "later").begin(infoHash, in: file, [.missing, .doubtful])
        try old.note(0, .synced)
        let resume = try #require(folder().resume(of: infoHash, pieceCount: 2))
        #expect(resume.marks == [.missing, .doubtful] && resume.bootID == "later")
        folder().remove(infoHash)
        #expect(folder().resume(of: infoHash, pieceCount: 2) == nil)
    }

    @Test func `after a new boot only synced pieces are trusted`() throws {
        let marks: [Resume.Mark] = [.verified, .synced, .doubtful, .missing]
        let resume = Resume(bootID: "b", device: 1, inode: 2, marks: marks)
        #expect(Array(resume.trusted(currentBootID: "b").members) == [0, 1])
        #expect(Array(resume.trusted(currentBootID: "c").members) == [1])
        #expect(resume.mark(0, currentBootID: "c") == .doubtful)
        let unknown = Resume(bootID: "", device: 1, inode: 2, marks: marks)
        #expect(Array(unknown.trusted(currentBootID: "").members) == [1])
        #expect(ResumeFolder.currentBootID().count == 36)
    }

    @Test(arguments: [
        "", "\n", "mtorrent-resume 1 boot 1 2\n.", "mtorrent-resume 1 boot 1 2\n.x",
        "mtorrent-resume 2 boot 1 2\n..", "mtorrent-resume 1 boot 1\n..",
        "mtorrent-resume 1 boot 1 -2\n..", "mtorrent-resume 1 boot 1 2\n...",
        "mtorrent-resume 1 boot 1 2",
    ])
    func `a record that can't be understood counts as none`(text: String) throws {
        _ = try folder().begin(infoHash, in: file, [])
        scratch.write(Array(text.utf8), to: "resume/" + infoHash.hex)
        #expect(folder().resume(of: infoHash, pieceCount: 2) == nil)
    }
}
