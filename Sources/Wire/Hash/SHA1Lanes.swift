import CSHA1

/// Incremental SHA-1 of several messages of one length at once, each in a lane of the processor's
/// vectors: several times as fast as one after the other. Only where there are lanes.
package struct SHA1Lanes {
    /// How many messages there may be; 0: this processor has nothing to gain.
    package static let count = Int(csha1_lane_count())
    /// The fewest messages that are worth it.
    package static let worthwhileCount = max(Int(csha1_worthwhile_count()), 1)

    private static let initialState: [UInt32] = [
        0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0,
    ]
    private static let blockLength = 64

    private let messageCount: Int
    private var state: [UInt32]
    private var length = 0

    /// For so many messages, from one to `count`.
    package init(messageCount: Int) {
        precondition(1...Self.count ~= messageCount, "no more messages than lanes")
        self.messageCount = messageCount
        state = Self.initialState.flatMap { [UInt32](repeating: $0, count: Self.count) }
    }

    /// Takes further bytes of each message, whole blocks of 64 bytes: as many of each, from where
    /// these pointers point.
    package mutating func update(_ parts: [UnsafeRawPointer], count: Int) {
        precondition(parts.count == messageCount && count % Self.blockLength == 0)
        length += count
        compress(parts, count / Self.blockLength)
    }

    /// The digests of the messages, the rest of which, less than 64 bytes each, is this.
    package mutating func finalize(_ rests: [UnsafeRawBufferPointer]) -> [SHA1Digest] {
        precondition(rests.count == messageCount && rests.allSatisfy { $0.count == rests[0].count })
        let bits = UInt64((length + rests[0].count) * 8)
        let tails = rests.map { Self.padded($0, bits: bits) }
        tails.flatMap { $0 }.withUnsafeBytes { bytes in
            let starts = tails.indices.map { bytes.baseAddress! + $0 * tails[0].count }
            compress(starts, tails[0].count / Self.blockLength)
        }
        return (0..<messageCount).map(digest)
    }

    /// The end of a message (RFC 3174, section 4).
    private static func padded(_ rest: UnsafeRawBufferPointer, bits: UInt64) -> [UInt8] {
        var tail = [UInt8](rest)
        tail.append(0x80)
        let length = (tail.count + 8 + blockLength - 1) / blockLength * blockLength
        tail += [UInt8](repeating: 0, count: length - 8 - tail.count)
        withUnsafeBytes(of: bits.bigEndian) { tail += $0 }
        return tail
    }

    private mutating func compress(_ parts: [UnsafeRawPointer], _ blockCount: Int) {
        guard blockCount > 0 else { return }
        var starts = parts.map { Optional($0.assumingMemoryBound(to: UInt8.self)) }
        // Lanes without a message of their own work on the first one once more.
        while starts.count < Self.count { starts.append(starts[0]) }
        state.withUnsafeMutableBufferPointer { state in
            starts.withUnsafeBufferPointer {
                csha1_compress(state.baseAddress, $0.baseAddress, blockCount)
            }
        }
    }

    private func digest(lane: Int) -> SHA1Digest {
        let words = (0..<5).map { state[$0 * Self.count + lane].bigEndian }
        return words.withUnsafeBytes { SHA1Digest(loading: $0) }
    }
}
