/// Decoder of a body in chunks (RFC 9112 §7.1). Extensions and trailers are skipped.
struct HTTPChunkDecoder {
    private let limits: HTTPLimits
    private var state = State.size(value: 0, digitCount: 0)
    /// Bytes of the chunk's extension, or of all trailers, so far.
    private var skippedCount = 0

    private enum State {
        /// Hexadecimal digits of a chunk's length. Exits: `extension`, `sizeEnd`.
        case size(value: Int, digitCount: Int)
        /// What follows a semicolon or blank after the length. Exits: `sizeEnd`.
        case `extension`(size: Int)
        /// The LF after a chunk's length. Exits: `data`, `trailerStart`.
        case sizeEnd(size: Int)
        /// Exits: `dataCR`.
        case data(remaining: Int)
        /// The CR after a chunk's data. Exits: `dataLF`.
        case dataCR
        /// The LF after a chunk's data. Exits: `size`.
        case dataLF
        /// The beginning of a trailer line or of the empty line. Exits: `trailer`, `lastLF`.
        case trailerStart
        /// A trailer line. Exits: `trailerLF`.
        case trailer
        /// The LF after a trailer line. Exits: `trailerStart`.
        case trailerLF
        /// The LF of the empty line, which ends the body.
        case lastLF
    }

    init(limits: HTTPLimits) {
        self.limits = limits
    }

    /// The next part of the body, or its end; nil when all bytes are taken.
    mutating func next(
        in bytes: UnsafeRawBufferPointer, from position: inout Int
    ) throws(HTTPError) -> HTTPResponseDecoder.Event? {
        while position < bytes.count {
            if case .data(let remaining) = state {
                let count = min(remaining, bytes.count - position)
                let range = position..<position + count
                position += count
                state = count == remaining ? .dataCR : .data(remaining: remaining - count)
                return .body(range)
            }
            let byte = bytes[position]
            position += 1
            if case .lastLF = state {
                try expect(byte, 0x0a)
                return .end
            }
            try take(byte)
        }
        return nil
    }

    private mutating func take(_ byte: UInt8) throws(HTTPError) {
        switch state {
        case .size(let value, let digitCount):
            try takeSize(byte, value, digitCount)
        case .extension(let size):
            if byte == 0x0d {
                state = .sizeEnd(size: size)
            } else {
                try skip(byte)
            }
        case .sizeEnd(let size):
            try expect(byte, 0x0a)
            skippedCount = 0
            state = size == 0 ? .trailerStart : .data(remaining: size)
        case .dataCR:
            try expect(byte, 0x0d)
            state = .dataLF
        case .dataLF:
            try expect(byte, 0x0a)
            state = .size(value: 0, digitCount: 0)
        case .trailerStart:
            if byte == 0x0d {
                state = .lastLF
            } else {
                try skip(byte)
                state = .trailer
            }
        case .trailer:
            if byte == 0x0d {
                state = .trailerLF
            } else {
                try skip(byte)
            }
        case .trailerLF:
            try expect(byte, 0x0a)
            state = .trailerStart
        case .data, .lastLF:
            preconditionFailure("handled by next(in:from:)")
        }
    }

    private mutating func takeSize(
        _ byte: UInt8, _ value: Int, _ digitCount: Int
    ) throws(HTTPError) {
        if let digit = Hex.value(of: byte) {
            // Fifteen digits fit an Int and are more than any chunk has.
            guard digitCount < 15 else { throw .malformed(.chunk) }
            state = .size(value: value << 4 | Int(digit), digitCount: digitCount + 1)
            return
        }
        guard digitCount > 0 else { throw .malformed(.chunk) }
        switch byte {
        case 0x0d: state = .sizeEnd(size: value)
        case UInt8(ascii: ";"), 0x20, 0x09: state = .extension(size: value)
        default: throw .malformed(.chunk)
        }
    }

    private mutating func skip(_ byte: UInt8) throws(HTTPError) {
        guard HTTPLine.isFieldValue(byte) else { throw .malformed(.chunk) }
        skippedCount += 1
        guard skippedCount <= limits.maxFieldBytes else { throw .fieldsTooLong }
    }

    private func expect(_ byte: UInt8, _ wanted: UInt8) throws(HTTPError) {
        guard byte == wanted else { throw .malformed(.chunk) }
    }
}
