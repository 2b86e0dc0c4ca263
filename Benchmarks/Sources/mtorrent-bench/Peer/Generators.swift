import Foundation

/// The C programs of this package, which are built beside this one.
struct Generators {
    let placement: Placement
    private let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().path

    /// What `leechers` tells of the window in which all of them ask.
    struct Served: Decodable {
        let connected: Int
        let unchoked: Int
        let served: Int
        /// Seconds until every one had a block.
        let settleSeconds: Double
        let mibPerSecond: Double
        let leastBytes: Int
        let medianBytes: Int
        /// The largest request that the server takes, up to what was wanted.
        let blockBytes: Int
        let serverCpuPerGib: Double
        let ownCpuPerGib: Double
        let serverPeakBytes: Int
        let serverAnonymousBytes: Int
        let serverSharedMemoryBytes: Int
        let serverResidentBytes: Int
    }

    struct Idle: Decodable {
        let connected: Int
        let seconds: Double
    }

    struct Handshakes: Decodable {
        let tried: Int
        let answered: Int
        let p50Ms: Double
        let p99Ms: Double
        let mostMs: Double
    }

    /// What `sharers` tells in the end.
    struct Shared: Decodable {
        let bytesOfEach: [Int]
        let bytes: Int
        /// Of the monotonic clock, seconds.
        let firstRequest: Double
    }

    func start(_ name: String, _ arguments: [String], on core: Core = .second) throws
        -> ChildProcess
    {
        try placement.start(folder + "/" + name, arguments, on: core, mergingErrors: false)
    }

    /// The last line of a generator that has ended.
    func result<T: Decodable>(_ type: T.Type, of process: ChildProcess) throws -> T {
        guard let line = process.output.lines.last else {
            throw BenchmarkError("no result\n\(process.transcript)")
        }
        return try decode(type, line)
    }

    func decode<T: Decodable>(_ type: T.Type, _ line: String) throws -> T {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(line.utf8))
    }
}

extension [String] {
    /// An option of a program with its value.
    static func option(_ name: String, _ value: some CustomStringConvertible) -> [String] {
        ["--" + name, value.description]
    }
}
