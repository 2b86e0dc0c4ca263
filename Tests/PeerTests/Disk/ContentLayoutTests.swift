import Testing
import Wire

@testable import Peer

@Suite struct ContentLayoutTests {
    private func spans(_ layout: ContentLayout, _ range: Range<Int64>) -> [ContentLayout.Span] {
        var spans: [ContentLayout.Span] = []
        layout.forEachSpan(of: range) { spans.append($0) }
        return spans
    }

    /// Files of these lengths one after the other; of a negative length are pads.
    private func directory(_ lengths: [Int64]) throws -> Info {
        let files = lengths.enumerated().map { index, length in
            Info.File(
                path: length < 0 ? [".pad", "\(-length)"] : ["\(index)"],
                length: abs(length), isPad: length < 0)
        }
        let total = Int(files.reduce(0) { $0 + $1.length })
        return try Info(
            name: "d", files: files, pieceLength: 16,
            pieces: [UInt8](repeating: 0, count: (total + 15) / 16 * 20), isPrivate: true,
            source: nil)
    }

    @Test func `a single file is one span wherever one looks`() throws {
        let info = try Info(
            name: "f", length: 100, pieceLength: 16, pieces: [UInt8](repeating: 0, count: 140),
            isPrivate: true, sha1: nil, source: nil)
        let layout = ContentLayout(info)
        #expect(spans(layout, 0..<100) == [.init(place: .file(0), offset: 0, length: 100)])
        #expect(spans(layout, 48..<64) == [.init(place: .file(0), offset: 48, length: 16)])
        #expect(spans(layout, 99..<100) == [.init(place: .file(0), offset: 99, length: 1)])
    }

    @Test func `a range over several files is cut at their borders`() throws {
        let layout = ContentLayout(try directory([10, 3, -3, 16, 5]))
        #expect(
            spans(layout, 8..<33) == [
                .init(place: .file(0), offset: 8, length: 2),
                .init(place: .file(1), offset: 0, length: 3),
                .init(place: .pad, offset: 0, length: 3),
                .init(place: .file(3), offset: 0, length: 16),
                .init(place: .file(4), offset: 0, length: 1),
            ])
        #expect(spans(layout, 14..<15) == [.init(place: .pad, offset: 1, length: 1)])
    }

    @Test func `empty files have no part in any range`() throws {
        let layout = ContentLayout(try directory([0, 4, 0, 0, 4, 0]))
        #expect(
            spans(layout, 0..<8) == [
                .init(place: .file(1), offset: 0, length: 4),
                .init(place: .file(4), offset: 0, length: 4),
            ])
        #expect(spans(layout, 4..<5) == [.init(place: .file(4), offset: 0, length: 1)])
    }

    @Test func `the spans of every range are that range`() throws {
        let info = try directory([7, 0, -9, 16, 1, 1, 30, -2, 0, 5])
        let layout = ContentLayout(info)
        for start in 0..<info.length {
            for end in start + 1...info.length {
                var position = start
                for span in spans(layout, start..<end) {
                    let file: Info.File
                    switch span.place {
                    case .file(let index): file = info.files[index]
                    case .pad: file = info.files.last { $0.isPad && $0.offset <= position }!
                    case .edges: throw CommandError("everything is wanted")
                    }
                    #expect(file.offset + span.offset == position)
                    #expect(span.length > 0)
                    position += Int64(span.length)
                    #expect(position <= file.range.upperBound)
                }
                #expect(position == end)
            }
        }
    }

    @Test func `an empty range has no spans`() throws {
        #expect(spans(ContentLayout(try directory([3])), 2..<2).isEmpty)
    }
}
