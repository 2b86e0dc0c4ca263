import Foundation

/// A program that shares or downloads, in the way that its kind is started and asked.
protocol Client: Sendable {
    /// As the tables call it.
    var name: String { get }
    /// Bytes of the requests that it is given.
    var requestBytes: Int { get }
    /// Puts its state where each run finds it: so that nothing is hashed again.
    func prepare(_ stage: PeerStage) async throws
    /// Starts it with the whole file, listening at the port.
    func share(_ stage: PeerStage, port: UInt16) async throws -> ChildProcess
    /// What leechers have to know to be served.
    func leecherOptions(_ stage: PeerStage) -> [String]
}

extension Client {
    var requestBytes: Int { 16384 }
    func leecherOptions(_ stage: PeerStage) -> [String] { stage.torrentOptions() }
    func prepare(_ stage: PeerStage) async throws {}
}

/// A program that downloads, in the way that its kind is started and asked.
protocol Downloader: Sendable {
    /// As the tables call it.
    var name: String { get }
    /// It doesn't dial peers on the loopback interface by itself: sharers dial it.
    var isDialled: Bool { get }
    /// The largest block that the sharers agree on with it.
    var maxBlock: Int { get }
    /// Starts it and has it download from the sharers at the order's ports.
    func download(_ order: DownloadOrder, _ stage: PeerStage) async throws -> RunningDownload
}

extension Downloader {
    var isDialled: Bool { false }
    var maxBlock: Int { 16384 }
}

struct DownloadOrder: Sendable {
    /// Where the sharers listen.
    let sharers: Range<UInt16>
    /// Where the downloader has to listen.
    let port: UInt16
    /// Empty, for what it downloads and for its own state.
    let folder: String
    /// Where it runs.
    let core: Core

    var result: String { folder + "/got/" + PeerStage.file }
}

struct RunningDownload {
    let process: ChildProcess
    /// When the client was told to download, and what it had taken of the processor by then.
    let told: Double
    let processorSecondsBefore: Double
    /// Whether it has said that all is there and verified.
    let isComplete: @Sendable () -> Bool

    /// - Parameter isRunning: it is told only now; else it was by its start.
    init(
        _ process: ChildProcess, isRunning: Bool = false,
        isComplete: @escaping @Sendable () -> Bool
    ) {
        (self.process, self.isComplete) = (process, isComplete)
        told = monotonicSeconds()
        processorSecondsBefore = isRunning ? process.processorSeconds ?? 0 : 0
    }
}
