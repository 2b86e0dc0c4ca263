import CSHA1

/// SHA-1 of several messages of one length: together, several times as fast as one after the other
/// where the processor has wide vectors and there are enough of them.
package enum SHA1Batch {
    /// So many messages at once make the best use of the processor; 1: there is nothing to gain.
    package static let size = max(Int(csha1_lane_count()), 1)

    private static let worthwhileCount = Int(csha1_worthwhile_count())
    private static let initialState: [UInt32] = [
        0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0,
    ]
    private static let blockLength = 64

    /// The digests of messages that all have the same length, in their order.
    package static func hash(_ messages: [UnsafeRawBufferPointer]) -> [SHA1Digest] {
        precondition(
            messages.allSatisfy { $0.count == messages[0].count }, "messages of one length")
        var digests: [SHA1Digest] = []
        digests.reserveCapacity(messages.count)
        var rest = messages[...]
        while size > 1, rest.count >= worthwhileCount {
            digests += hashTogether(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return digests + rest.map { SHA1Hasher.hash($0) }
    }

    /// As many messages as there are lanes, or fewer.
    private static func hashTogether(
        _ messages: ArraySlice<UnsafeRawBufferPointer>
    ) -> [SHA1Digest] {
        // Lanes without a message of their own work on the first one once more.
        let lanes =
            Array(messages)
            + [UnsafeRawBufferPointer](
                repeating: messages[messages.startIndex], count: size - messages.count)
        let length = lanes[0].count
        var state = initialState.flatMap { [UInt32](repeating: $0, count: size) }
        let blocks = length / blockLength
        compress(&state, lanes.map(\.baseAddress), blocks)
        let tails = lanes.map { tail(of: $0, from: blocks * blockLength) }
        let tailLength = tails[0].count
        tails.flatMap { $0 }.withUnsafeBytes { bytes in
            let starts = lanes.indices.map { bytes.baseAddress! + $0 * tailLength }
            compress(&state, starts, tailLength / blockLength)
        }
        return messages.indices.map { digest(state, lane: $0 - messages.startIndex) }
    }

    /// What is left of a message after whole blocks, with its padding (RFC 3174, section 4).
    private static func tail(of message: UnsafeRawBufferPointer, from start: Int) -> [UInt8] {
        var tail = [UInt8](message[start...])
        tail.append(0x80)
        let length = (tail.count + 8 + blockLength - 1) / blockLength * blockLength
        tail += [UInt8](repeating: 0, count: length - 8 - tail.count)
        withUnsafeBytes(of: UInt64(message.count * 8).bigEndian) { tail += $0 }
        return tail
    }

    private static func compress(
        _ state: inout [UInt32], _ messages: [UnsafeRawPointer?], _ blockCount: Int
    ) {
        guard blockCount > 0 else { return }
        let starts = messages.map { $0?.assumingMemoryBound(to: UInt8.self) }
        state.withUnsafeMutableBufferPointer { state in
            starts.withUnsafeBufferPointer {
                csha1_compress(state.baseAddress, $0.baseAddress, 0, blockCount)
            }
        }
    }

    private static func digest(_ state: [UInt32], lane: Int) -> SHA1Digest {
        let words = (0..<5).map { state[$0 * size + lane].bigEndian }
        return words.withUnsafeBytes { SHA1Digest(loading: $0) }
    }
}
