import Peer
import Testing

struct ProgressLineTests {
    private let style = TextStyle(usesColour: false)
    private let half = ProgressLine(
        name: "movie.mkv", doneBytes: 256 << 20, totalBytes: 512 << 20, rate: 64 * 1_048_576,
        peers: 3)

    @Test func `percent, bar, sizes, rate, time to go, peers and name are told`() {
        #expect(
            half.text(width: 100, style: style)
                == " 50% [" + String(repeating: "#", count: 15)
                + String(repeating: ".", count: 15)
                + "]   256 MiB/512 MiB  64.0 MiB/s  ETA  0:04  3 peers  movie.mkv")
    }

    @Test(arguments: 0...200)
    func `a line never fills its row`(width: Int) {
        #expect(DisplayWidth.of(half.text(width: width, style: style)) <= max(0, width - 1))
    }

    @Test func `a narrow terminal keeps the figures`() {
        #expect(
            half.text(width: 62, style: style)
                == " 50%   256 MiB/512 MiB  64.0 MiB/s  ETA  0:04  3 peers  movi…")
    }

    @Test func `nothing moving has no time to go, and nothing to do is all done`() {
        let still = ProgressLine(name: "f", doneBytes: 0, totalBytes: 9, rate: 0, peers: 0)
        #expect(still.text(width: 80, style: style).contains("ETA --:--  0 peers"))
        let empty = ProgressLine(name: "f", doneBytes: 0, totalBytes: 0, rate: 0, peers: 1)
        #expect(empty.text(width: 80, style: style).hasPrefix("100% [####"))
        #expect(empty.text(width: 80, style: style).contains("ETA  0:00  1 peer  f"))
    }

    @Test func `hashing speaks of no peers`() {
        let hashing = ProgressLine(
            name: "f", doneBytes: 1, totalBytes: 2, rate: 1, peers: nil)
        #expect(!hashing.text(width: 80, style: style).contains("peer"))
    }

    @Test func `several downloads are told as one`() {
        let all = ProgressLine(adding: [half, half, half])
        #expect(all.name == "3 downloads")
        #expect(all.totalBytes == half.totalBytes * 3)
        #expect(all.peers == 9)
        #expect(all.secondsLeft == 4)
        #expect(ProgressLine(adding: [half]) == half)
    }
}
