/// SHA-1 of several messages of one length that lie in memory.
package enum SHA1Batch {
    /// So many messages at once make the best use of the processor.
    package static let size = max(SHA1Lanes.count, 1)

    /// The digests of messages that all have the same length, in their order.
    package static func hash(_ messages: [UnsafeRawBufferPointer]) -> [SHA1Digest] {
        var digests: [SHA1Digest] = []
        digests.reserveCapacity(messages.count)
        var rest = messages[...]
        while SHA1Lanes.count > 0, rest.count >= SHA1Lanes.worthwhileCount {
            digests += hashTogether(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return digests + rest.map { SHA1Hasher.hash($0) }
    }

    private static func hashTogether(_ messages: [UnsafeRawBufferPointer]) -> [SHA1Digest] {
        precondition(
            messages.allSatisfy { $0.count == messages[0].count }, "messages of one length")
        var lanes = SHA1Lanes(messageCount: messages.count)
        let whole = messages[0].count / 64 * 64
        if whole > 0 { lanes.update(messages.map { $0.baseAddress! }, count: whole) }
        return lanes.finalize(messages.map { UnsafeRawBufferPointer(rebasing: $0[whole...]) })
    }
}
