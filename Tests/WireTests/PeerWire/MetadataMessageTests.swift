import Testing

@testable import Wire

struct MetadataMessageTests {
    @Test(
        arguments: [
            (.request(piece: 0), "d8:msg_typei0e5:piecei0ee"),
            (
                .data(piece: 0, totalSize: 34_256, bytes: Array("xxxxxxxx")),
                "d8:msg_typei1e5:piecei0e10:total_sizei34256eexxxxxxxx"
            ),
            (.reject(piece: 0), "d8:msg_typei2e5:piecei0ee"),
        ] as [(MetadataMessage, String)])
    func `the bytes are those of BEP 9`(message: MetadataMessage, text: String) throws {
        #expect(message.encoded() == Array(text))
        #expect(try MetadataMessage(decoding: Array(text)) == message)
    }

    @Test(arguments: [
        "de", "d8:msg_typei0ee", "d8:msg_typei3e5:piecei0ee", "d8:msg_typei0e5:piecei-1ee",
        "d8:msg_typei1e5:piecei0eexx", "d8:msg_typei1e5:piecei0e10:total_sizei0eexx",
        "d8:msg_typei0e5:piecei4294967296ee",
    ])
    func `what is no message of a known kind is passed over`(text: String) throws {
        #expect(try MetadataMessage(decoding: Array(text)) == .unknown)
    }

    @Test(arguments: ["", "i1e", "d8:msg_typei0e5:piecei0e", "d5:piecei0e8:msg_typei0ee"])
    func `what doesn't begin with a dictionary is refused`(text: String) {
        #expect(throws: BencodeError.self) { try MetadataMessage(decoding: Array(text)) }
    }

    @Test func `damaged messages never trap`() {
        var generator = SeededGenerator(seed: 91)
        let bytes = MetadataMessage.data(piece: 3, totalSize: 50_000, bytes: [1, 2, 3]).encoded()
        for _ in 0..<2_000 { _ = try? MetadataMessage(decoding: generator.mutated(bytes)) }
    }
}
