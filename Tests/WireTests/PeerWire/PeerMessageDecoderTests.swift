import Testing

@testable import Wire

/// What a stream of messages amounts to, however it was cut.
private enum Item: Equatable {
    case message(PeerMessage)
    case block(BlockRequest, [UInt8])
}

/// Joins fragments to blocks and checks that each continues the one before.
private struct Collector {
    var items: [Item] = []
    var decoder: PeerMessageDecoder
    private var partial: [UInt8] = []

    init(maxFrameLength: Int = 1_000, maxBlockLength: Int = 65_536) {
        decoder = PeerMessageDecoder(
            maxFrameLength: maxFrameLength, maxBlockLength: maxBlockLength)
    }

    mutating func feed(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        let copy = Array(bytes)
        var position = 0
        while true {
            let result = copy.withUnsafeBytes { raw in
                Result { () throws(WireError) in try decoder.next(in: raw, from: &position) }
            }
            guard let event = try result.get() else { break }
            switch event {
            case .message(let message): items.append(.message(message))
            case .blockFragment(let block, let offset, let payload):
                #expect(offset == partial.count)
                #expect(!payload.isEmpty)
                partial += copy[payload]
                if partial.count == Int(block.length) {
                    items.append(.block(block, partial))
                    partial = []
                }
            }
        }
        #expect(position == copy.count)
    }
}

struct PeerMessageDecoderTests {
    private static let block = BlockRequest(piece: 3, begin: 32_768, length: 21)

    private static let stream: (bytes: [UInt8], items: [Item]) = {
        let payload = [UInt8](100..<121)
        var bytes: [UInt8] = []
        var items: [Item] = []
        let messages: [PeerMessage] = [
            .bitfield([0xff, 0x0f, 0]), .keepAlive, .choke, .unchoke, .interested, .notInterested,
            .have(77), .request(block), .cancel(block), .port(6881), .bitfield([]),
            .extended(id: 0, payload: Array("d1:md11:ut_metadatai3eee")),
            .extended(id: 1, payload: []), .suggest(9), .haveAll, .haveNone, .reject(block),
            .allowedFast(.max), .unknown(id: 18),
        ]
        for message in messages {
            message.encode(into: &bytes)
            items.append(.message(message))
            bytes += PeerMessage.pieceHeader(for: block) + payload
            items.append(.block(block, payload))
        }
        return (bytes, items)
    }()

    @Test func `a stream of every message is understood at once`() throws {
        var collector = Collector()
        try collector.feed(Self.stream.bytes[...])
        #expect(collector.items == Self.stream.items)
        #expect(collector.decoder.isBetweenMessages)
    }

    @Test func `a stream may be split at every point`() throws {
        for split in 0...Self.stream.bytes.count {
            var collector = Collector()
            try collector.feed(Self.stream.bytes[..<split])
            try collector.feed(Self.stream.bytes[split...])
            #expect(collector.items == Self.stream.items)
        }
    }

    @Test func `a stream may arrive byte by byte and in random parts`() throws {
        var collector = Collector()
        for index in Self.stream.bytes.indices {
            try collector.feed(Self.stream.bytes[index...index])
        }
        #expect(collector.items == Self.stream.items)
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<50 {
            var collector = Collector()
            var rest = Self.stream.bytes[...]
            while !rest.isEmpty {
                let count = min(rest.count, generator.number(1..<40))
                try collector.feed(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            #expect(collector.items == Self.stream.items)
        }
    }

    @Test func `a truncated stream gives only whole messages`() throws {
        for count in 0..<Self.stream.bytes.count {
            var collector = Collector()
            try collector.feed(Self.stream.bytes[..<count])
            #expect(collector.items.count < Self.stream.items.count)
            #expect(Self.stream.items.starts(with: collector.items))
        }
    }

    @Test func `a block's payload is handed on in place as it arrives`() throws {
        var decoder = PeerMessageDecoder(maxFrameLength: 10, maxBlockLength: 21)
        let bytes = PeerMessage.pieceHeader(for: Self.block) + [1, 2, 3]
        var position = 0
        let first = try bytes.withUnsafeBytes { try decoder.next(in: $0, from: &position) }
        #expect(first == .blockFragment(Self.block, offset: 0, payload: 13..<16))
        let none = try bytes.withUnsafeBytes { try decoder.next(in: $0, from: &position) }
        #expect(none == nil)
        #expect(!decoder.isBetweenMessages)
        position = 0
        let rest = [UInt8](repeating: 9, count: 30)
        let last = try rest.withUnsafeBytes { try decoder.next(in: $0, from: &position) }
        #expect(last == .blockFragment(Self.block, offset: 3, payload: 0..<18))
        #expect(position == 18)
        #expect(decoder.isBetweenMessages)
    }

    @Test(
        arguments: [
            ([0, 0, 0, 2, 0], WireError.wrongLength(id: 0, length: 2)),
            ([0, 0, 0, 4, 4], .wrongLength(id: 4, length: 4)),
            ([0, 0, 0, 14, 6], .wrongLength(id: 6, length: 14)),
            ([0, 0, 0, 12, 8], .wrongLength(id: 8, length: 12)),
            ([0, 0, 0, 2, 9], .wrongLength(id: 9, length: 2)),
            ([0, 0, 0, 6, 13], .wrongLength(id: 13, length: 6)),
            ([0, 0, 0, 2, 14], .wrongLength(id: 14, length: 2)),
            ([0, 0, 0, 5, 15], .wrongLength(id: 15, length: 5)),
            ([0, 0, 0, 1, 16], .wrongLength(id: 16, length: 1)),
            ([0, 0, 0, 4, 17], .wrongLength(id: 17, length: 4)),
            ([0, 0, 0, 1, 20], .wrongLength(id: 20, length: 1)),
            ([0, 0, 0, 9, 7], .wrongLength(id: 7, length: 9)),
            ([0, 0, 0, 1, 7], .wrongLength(id: 7, length: 1)),
            ([0, 0, 0, 110, 7], .frameTooLong(length: 110, limit: 109)),
            ([0xff, 0xff, 0xff, 0xff], .frameTooLong(length: 4_294_967_295, limit: 109)),
            ([0, 0, 0, 11, 5], .frameTooLong(length: 11, limit: 10)),
            ([0xff, 0xff, 0xff, 0xff, 20], .frameTooLong(length: 4_294_967_295, limit: 109)),
            ([0, 0, 0, 11, 200], .frameTooLong(length: 11, limit: 10)),
            ([0, 0, 0, 100, 0], .wrongLength(id: 0, length: 100)),
        ] as [([UInt8], WireError)])
    func `impossible lengths are refused before anything is kept`(
        bytes: [UInt8], error: WireError
    ) {
        var collector = Collector(maxFrameLength: 10, maxBlockLength: 100)
        #expect(throws: error) { try collector.feed(bytes[...]) }
        #expect(throws: error) { try collector.feed([0, 0, 0, 0]) }
    }

    @Test func `a block over its limit is refused where longer frames of others are not`() {
        var collector = Collector(maxFrameLength: 1000, maxBlockLength: 100)
        #expect(throws: WireError.blockTooLong(length: 101, limit: 100)) {
            try collector.feed([0, 0, 0, 110, 7])
        }
    }

    @Test func `frames and blocks of exactly the limit are taken`() throws {
        var collector = Collector(maxFrameLength: 4, maxBlockLength: 21)
        let bits = PeerMessage.bitfield([1, 2, 3])
        let piece = PeerMessage.pieceHeader(for: Self.block) + [UInt8](repeating: 0, count: 21)
        try collector.feed((bits.encoded() + piece)[...])
        #expect(collector.items.count == 2)
        collector.decoder.maxFrameLength = 5
        try collector.feed(PeerMessage.bitfield([1, 2, 3, 4]).encoded()[...])
        #expect(collector.items.count == 3)
    }

    @Test func `random and damaged streams never trap and never exceed their bytes`() {
        var generator = SeededGenerator(seed: 9)
        for round in 0..<3_000 {
            let bytes =
                round % 2 == 0
                ? generator.bytes(generator.number(0..<200))
                : generator.mutated(Self.stream.bytes)
            var collector = Collector(maxFrameLength: 64, maxBlockLength: 128)
            let split = generator.number(0..<bytes.count + 1)
            do throws(WireError) {
                try collector.feed(bytes[..<split])
                try collector.feed(bytes[split...])
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }
}
