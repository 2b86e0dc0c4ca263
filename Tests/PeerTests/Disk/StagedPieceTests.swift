import Testing

@testable import Peer

@Suite struct StagedPieceTests {
    private let pool = StagingPool(limit: 1 << 20)
    private let segment = StagedPiece.maxSegmentLength

    private func store(_ count: Int, _ byte: UInt8, in piece: StagedPiece, at begin: Int) {
        [UInt8](repeating: byte, count: count).withUnsafeBytes { piece.store($0, at: begin) }
    }

    private func bytes(_ parcel: StagedPiece.Parcel) -> [UInt8] {
        parcel.buffer.map { [UInt8]($0) } ?? []
    }

    @Test func `a piece is handed over when it is whole, and not before`() {
        let piece = StagedPiece(piece: 3, length: 1000, pool: pool)
        store(400, 1, in: piece, at: 600)
        #expect(piece.takeWhole().isEmpty)
        store(600, 2, in: piece, at: 0)
        let parcels = piece.takeWhole()
        #expect(parcels.map(\.length) == [1000])
        #expect(parcels[0].isWhole)
        #expect(
            bytes(parcels[0]) == [UInt8](repeating: 2, count: 600)
                + [UInt8](repeating: 1, count: 400))
        #expect(piece.isHandedOver)
        piece.takeBack(parcels)
        #expect(pool.gatheringBytes == 0)
    }

    @Test func `segments of a long piece are handed over in their order`() {
        let piece = StagedPiece(piece: 0, length: 2 * segment + 100, pool: pool)
        store(segment, 2, in: piece, at: segment)
        #expect(piece.takeWhole().isEmpty)
        store(segment, 1, in: piece, at: 0)
        let first = piece.takeWhole()
        #expect(first.map(\.begin) == [0, segment])
        #expect(!piece.isHandedOver)
        store(100, 3, in: piece, at: 2 * segment)
        let last = piece.takeWhole()
        #expect(last.map(\.begin) == [2 * segment])
        #expect(bytes(last[0]) == [UInt8](repeating: 3, count: 100))
        #expect(piece.isHandedOver)
        piece.takeBack(first + last)
    }

    @Test func `a fragment may reach over the border of two segments`() {
        let piece = StagedPiece(piece: 0, length: 2 * segment, pool: pool)
        store(segment - 8, 1, in: piece, at: 0)
        store(16, 2, in: piece, at: segment - 8)
        let first = piece.takeWhole()
        #expect(bytes(first[0]).suffix(9) == [1, 2, 2, 2, 2, 2, 2, 2, 2])
        store(segment - 8, 3, in: piece, at: segment + 8)
        let second = piece.takeWhole()
        #expect(bytes(second[0]).prefix(9) == [2, 2, 2, 2, 2, 2, 2, 2, 3])
        piece.takeBack(first + second)
    }

    @Test func `what was stored early is part of the whole all the same`() {
        let piece = StagedPiece(piece: 0, length: 1000, pool: pool)
        store(300, 1, in: piece, at: 100)
        let early = piece.takeAll()
        #expect(early.map(\.filled.ranges) == [[100..<400]])
        #expect(!early[0].isWhole)
        store(100, 2, in: piece, at: 0)
        store(600, 3, in: piece, at: 400)
        let parcels = piece.takeWhole()
        #expect(parcels.map(\.filled.ranges) == [[0..<100, 400..<1000]])
        #expect(parcels[0].buffer?.baseAddress != early[0].buffer?.baseAddress)
        piece.takeBack(early + parcels)
        #expect(pool.gatheringBytes == 0)
    }

    @Test func `a segment that is with the worker takes nothing more`() {
        let piece = StagedPiece(piece: 0, length: 100, pool: pool)
        store(100, 1, in: piece, at: 0)
        let parcels = piece.takeWhole()
        store(100, 2, in: piece, at: 0)
        #expect(bytes(parcels[0]) == [UInt8](repeating: 1, count: 100))
        #expect(piece.takeAll().isEmpty)
        piece.takeBack(parcels)
    }

    @Test func `memory goes back to the pool and is used again`() {
        let piece = StagedPiece(piece: 0, length: 100, pool: pool)
        store(50, 1, in: piece, at: 0)
        #expect(pool.gatheringBytes == 100)
        let parcels = piece.takeAll()
        let address = parcels[0].buffer?.baseAddress
        #expect(pool.gatheringBytes == 0)
        piece.takeBack(parcels)
        #expect(pool.gatheringBytes == 0)
        store(50, 1, in: piece, at: 50)
        #expect(piece.takeAll().first?.buffer?.baseAddress == address)
    }

    @Test func `a piece that is dropped gives its memory back`() {
        do {
            let piece = StagedPiece(piece: 0, length: 3 * segment, pool: pool)
            store(10, 1, in: piece, at: 2 * segment)
            store(10, 1, in: piece, at: 0)
            #expect(pool.gatheringBytes == 2 * segment)
            #expect(pool.isOverLimit)
        }
        #expect(pool.gatheringBytes == 0)
    }
}
