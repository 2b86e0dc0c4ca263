import Glibc
import Testing

@testable import Reactor

@Suite struct WriteQueueTests {
    /// A connected pair of sockets that takes little at a time.
    private struct Pipe {
        let writer: Int32
        let reader: Int32

        init(size: Int32 = 8192) throws {
            var ends: [Int32] = [0, 0]
            let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
            try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
            (writer, reader) = (ends[0], ends[1])
            try Socket.set(writer, SOL_SOCKET, SO_SNDBUF, size)
        }

        func drain(into bytes: inout [UInt8]) {
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = read(reader, &buffer, buffer.count)
                if count <= 0 { return }
                bytes.append(contentsOf: buffer[..<count])
            }
        }

        func close() {
            Glibc.close(writer)
            Glibc.close(reader)
        }
    }

    private func append(_ bytes: [UInt8], to queue: WriteQueue) {
        bytes.withUnsafeBytes { queue.append($0) }
    }

    @Test func `adjacent writes become one segment`() throws {
        let queue = WriteQueue()
        append([1, 2], to: queue)
        append([], to: queue)
        append([3], to: queue)
        let segment = try #require(queue.first)
        #expect(segment.file == nil && segment.length == 3)
        #expect(Array(queue.firstBytes(segment)) == [1, 2, 3])
        queue.removeFirst(1)
        append([4], to: queue)
        #expect(Array(queue.firstBytes(try #require(queue.first))) == [2, 3, 4])
        queue.removeFirst(3)
        #expect(queue.isEmpty && queue.first == nil)
    }

    /// `count` ranges after headers of a length, in the queue and as they are to arrive.
    private func appendFrames(
        _ count: Int, headerLength: Int, rangeLength: Int, at offset: Int,
        of file: (file: SharedFile, content: [UInt8]), to queue: WriteQueue
    ) -> [UInt8] {
        let headers = pattern(count * headerLength, seed: UInt64(offset))
        headers.withUnsafeBytes {
            queue.append(
                $0, headerLength: headerLength, count: count, file: file.file,
                offset: Int64(offset), rangeLength: rangeLength)
        }
        return (0..<count).flatMap { index in
            let start = offset + index * rangeLength
            return headers[index * headerLength..<(index + 1) * headerLength]
                + file.content[start..<start + rangeLength]
        }
    }

    @Test func `ranges with headers count as what is yet to be sent of them`() throws {
        let content = pattern(1000)
        let temporary = try TemporaryFile(content)
        let queue = WriteQueue()
        _ = appendFrames(
            3, headerLength: 4, rangeLength: 10, at: 100, of: (temporary.file, content), to: queue)
        append([1, 2], to: queue)
        #expect(queue.byteCount == 44 && queue.fileRangeCount == 3)
        queue.removeFirst(17)
        #expect(queue.byteCount == 27 && queue.fileRangeCount == 2)
        let segment = try #require(queue.first)
        #expect(segment.offset == 110 && segment.position == 3 && segment.length == 25)
        queue.removeFirst(25)
        #expect(queue.fileRangeCount == 0)
        #expect(Array(queue.firstBytes(try #require(queue.first))) == [1, 2])
    }

    @Test func `random writes of bytes and file ranges arrive in order and intact`() throws {
        let content = pattern(100_000)
        let temporary = try TemporaryFile(content)
        let pipe = try Pipe()
        defer { pipe.close() }
        let queue = WriteQueue()
        var expected: [UInt8] = []
        var received: [UInt8] = []
        for round in 0..<2_000 {
            for _ in 0..<Int.random(in: 0...4) {
                switch Int.random(in: 0..<3) {
                case 0:
                    let length = Int.random(in: 0...500)
                    let bytes = pattern(length, seed: UInt64(round))
                    append(bytes, to: queue)
                    expected += bytes
                case 1:
                    let (count, rangeLength) = (Int.random(in: 1...20), Int.random(in: 1...1500))
                    let last = content.count - count * rangeLength
                    expected += appendFrames(
                        count, headerLength: Int.random(in: 1...20),
                        rangeLength: rangeLength, at: Int.random(in: 0...last),
                        of: (temporary.file, content), to: queue)
                default:
                    let length = Int.random(in: 0...3000)
                    let offset = Int.random(in: 0...content.count - length)
                    queue.append(file: temporary.file, offset: Int64(offset), length: length)
                    expected += content[offset..<offset + length]
                }
            }
            let share = Int.random(in: 1...10_000)
            let result = queue.send(to: pipe.writer, share: share)
            if case .failed(let reason) = result { Issue.record("\(reason)") }
            if Bool.random() { pipe.drain(into: &received) }
        }
        while !queue.isEmpty {
            _ = queue.send(to: pipe.writer, share: .max)
            pipe.drain(into: &received)
        }
        pipe.drain(into: &received)
        let isIntact = received == expected
        #expect(isIntact)
        #expect(queue.fileRangeCount == 0)
    }

    @Test func `a share is kept to`() throws {
        let temporary = try TemporaryFile(pattern(1 << 20))
        let pipe = try Pipe(size: 1 << 20)
        defer { pipe.close() }
        let queue = WriteQueue()
        append(pattern(50_000), to: queue)
        for _ in 0..<64 { queue.append(file: temporary.file, offset: 0, length: 1 << 20) }
        var received: [UInt8] = []
        for _ in 0..<20 {
            let before = queue.byteCount
            let result = queue.send(to: pipe.writer, share: 20_000)
            guard case .shareUsed = result else {
                Issue.record("\(result)")
                return
            }
            #expect(before - queue.byteCount == 20_000)
            pipe.drain(into: &received)
        }
    }

    @Test func `a file that has shrunk ends the sending`() throws {
        let temporary = try TemporaryFile(pattern(10_000))
        let pipe = try Pipe(size: 1 << 20)
        defer { pipe.close() }
        let queue = WriteQueue()
        queue.append(file: temporary.file, offset: 5_000, length: 5_000)
        try #require(ftruncate(temporary.file.descriptor, 6_000) == 0)
        let result = queue.send(to: pipe.writer, share: .max)
        guard case .failed(.fileEnded) = result else {
            Issue.record("\(result)")
            return
        }
        var received: [UInt8] = []
        pipe.drain(into: &received)
        #expect(received == Array(pattern(10_000)[5_000..<6_000]))
    }

    @Test func `a file that can't be read ends the sending with its error`() throws {
        let folder = try SharedFile(path: "/tmp", flags: O_RDONLY | O_DIRECTORY)
        let pipe = try Pipe()
        defer { pipe.close() }
        let queue = WriteQueue()
        queue.append(file: folder, offset: 0, length: 1)
        let result = queue.send(to: pipe.writer, share: .max)
        guard case .failed(.fileFailed(let error)) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(error.operation == "sendfile")
    }

    @Test func `a pool hands a used queue out again, unless it has grown large`() {
        var pool = WriteQueuePool()
        let queue = pool.take()
        append([1, 2, 3], to: queue)
        pool.give(queue)
        #expect(pool.take() === queue)
        #expect(queue.isEmpty)
        append([UInt8](repeating: 0, count: 100_000), to: queue)
        #expect(queue.capacity >= 100_000)
        pool.give(queue)
        #expect(pool.take() !== queue)
    }

    @Test func `a queue lets a file go as soon as it is sent, or dropped`() throws {
        weak var sent: SharedFile?
        weak var dropped: SharedFile?
        let queue = WriteQueue()
        do {
            let first = try SharedFile(path: "/dev/null")
            let second = try SharedFile(path: "/dev/null")
            queue.append(file: first, offset: 0, length: 10)
            queue.append(file: second, offset: 0, length: 10)
            (sent, dropped) = (first, second)
        }
        queue.removeFirst(4)
        #expect(sent != nil)
        queue.removeFirst(6)
        #expect(sent == nil && dropped != nil)
        queue.removeAll()
        #expect(dropped == nil)
    }
}
