import Dispatch
import Synchronization
import Wire

@testable import Peer

/// A peer that answers the shell at once, from what a test has set, and notes what was asked.
final class FakePeer: PeerService {
    struct Answers: Sendable {
        /// By the name of the method.
        var errors: [String: CommandError] = [:]
        var login = LoginSummary(userID: "alice")
        var leaving = MembershipRemovedResponse(groupDeleted: false)
        var requests: [MembershipRequest] = []
        var groups: [GroupSummary] = []
        var files: [FileSummary] = []
        var details: FileDetails?
        var downloads: [DownloadStatus] = []
        var limits = RateLimits()
        var user: String?
        var outcome = UploadOutcome(
            name: "f.bin", size: 1 << 20, infoHash: String(repeating: "ab", count: 20),
            sha1: String(repeating: "cd", count: 20), fileCount: nil, pieceCount: 64,
            pieceLength: 16_384,
            created: true)
        /// What hashing reports before it goes on or waits.
        var hashProgress: HashProgress?
        /// Whether hashing and waiting last until ``FakePeer/release()`` or cancellation.
        var blocks = false
    }

    private struct State {
        var calls: [String] = []
        var isStopped = false
        var onNotice: (@Sendable (NodeNotice) -> Void)?
        var onInterrupt: (@Sendable () -> Bool)?
        var onStop: (@Sendable () -> Void)?
    }

    let port: UInt16 = 12345
    let dataDirectory: String
    private let state = Mutex(State())
    private let answers: Mutex<Answers>
    private let gate = DispatchSemaphore(value: 0)

    init(dataDirectory: String, answers: Answers = Answers()) {
        self.dataDirectory = dataDirectory
        self.answers = Mutex(answers)
    }

    // MARK: For tests

    var calls: [String] { state.withLock { $0.calls } }
    var isStopped: Bool { state.withLock { $0.isStopped } }
    var hearsNotices: Bool { state.withLock { $0.onNotice != nil } }

    func set(_ change: (inout Answers) -> Void) {
        answers.withLock { change(&$0) }
    }

    /// Lets what blocks end.
    func release() {
        gate.signal()
    }

    /// SIGINT: the shell first, then a stop.
    func interrupt() {
        let handler = state.withLock { $0.onInterrupt }
        if handler?() != true { stop() }
    }

    func send(_ notice: NodeNotice) {
        state.withLock { $0.onNotice }?(notice)
    }

    // MARK: PeerService

    private func note(_ method: String, _ words: String...) throws(CommandError) {
        try note(method, words)
    }

    private func note(_ method: String, _ words: [String]) throws(CommandError) {
        state.withLock { $0.calls.append(([method] + words).joined(separator: " ")) }
        if let error = answers.withLock({ $0.errors[method] }) { throw error }
    }

    private func words(of options: DownloadOptions) -> [String] {
        options.only + (options.isSequential ? ["sequential"] : [])
    }

    private func hold(_ cancellation: Cancellation) throws(CommandError) {
        guard answers.withLock({ $0.blocks }) else { return }
        cancellation.onCancel { self.gate.signal() }
        gate.wait()
        if cancellation.isCancelled { throw CommandError("cancelled", .interrupted) }
    }

    func createUser(_ userID: String, password: String) throws(CommandError) {
        try note("createUser", userID, password)
    }

    func logIn(_ userID: String, password: String) throws(CommandError) -> LoginSummary {
        try note("logIn", userID, password)
        return answers.withLock { $0.login }
    }

    func logOut() throws(CommandError) { try note("logOut") }
    func currentUser() -> String? { answers.withLock { $0.user } }

    func passkey() throws(CommandError) -> String {
        try note("passkey")
        return "old-key"
    }

    func resetPasskey() throws(CommandError) -> String {
        try note("resetPasskey")
        return "new-key"
    }

    func createGroup(_ groupID: String, kind: GroupKind) throws(CommandError) {
        try note("createGroup", groupID, kind.rawValue)
    }

    func joinGroup(_ groupID: String) throws(CommandError) { try note("joinGroup", groupID) }

    func leaveGroup(_ groupID: String) throws(CommandError) -> MembershipRemovedResponse {
        try note("leaveGroup", groupID)
        return answers.withLock { $0.leaving }
    }

    func listRequests(group: String) throws(CommandError) -> [MembershipRequest] {
        try note("listRequests", group)
        return answers.withLock { $0.requests }
    }

    func acceptRequest(group: String, user: String) throws(CommandError) {
        try note("acceptRequest", group, user)
    }

    func rejectRequest(group: String, user: String) throws(CommandError) {
        try note("rejectRequest", group, user)
    }

    func removeMember(group: String, user: String) throws(CommandError) {
        try note("removeMember", group, user)
    }

    func listGroups() throws(CommandError) -> [GroupSummary] {
        try note("listGroups")
        return answers.withLock { $0.groups }
    }

    func listFiles(group: String) throws(CommandError) -> [FileSummary] {
        try note("listFiles", group)
        return answers.withLock { $0.files }
    }

    func fileInfo(group: String, name: String) throws(CommandError) -> FileDetails {
        try note("fileInfo", group, name)
        guard let details = answers.withLock({ $0.details }) else {
            throw CommandError("no file \(name) in \(group)", .notFound)
        }
        return details
    }

    func uploadFile(
        path: String, group: String, cancellation: Cancellation,
        onProgress: @escaping @Sendable (HashProgress) -> Void
    ) throws(CommandError) -> UploadOutcome {
        try note("uploadFile", path, group)
        return try hash(cancellation, onProgress)
    }

    func downloadFile(
        group: String, name: String, destination: String, options: DownloadOptions
    ) throws(CommandError) -> DownloadStatus {
        try note("downloadFile", [group, name, destination] + words(of: options))
        return status(group: group, name: name, destination: destination)
    }

    func stopShare(group: String, name: String) throws(CommandError) {
        try note("stopShare", group, name)
    }

    func export(group: String, name: String, torrentPath: String) throws(CommandError) -> String {
        try note("export", group, name, torrentPath)
        return torrentPath
    }

    func share(
        path: String, mtorrentPath: String, cancellation: Cancellation,
        onProgress: @escaping @Sendable (HashProgress) -> Void
    ) throws(CommandError) -> UploadOutcome {
        try note("share", path, mtorrentPath)
        return try hash(cancellation, onProgress)
    }

    func get(
        mtorrentPath: String, savePath: String, options: DownloadOptions
    ) throws(CommandError) -> DownloadStatus {
        try note("get", [mtorrentPath, savePath] + words(of: options))
        return status(group: "", name: "f.bin", destination: savePath)
    }

    func get(
        magnet: String, savePath: String, options: DownloadOptions, cancellation: Cancellation
    ) throws(CommandError) -> DownloadStatus {
        try note("getMagnet", magnet, savePath)
        try hold(cancellation)
        return status(group: "", name: "f.bin", destination: savePath)
    }

    func remove(mtorrentPath: String, deletingData: Bool) throws(CommandError) {
        try note("remove", mtorrentPath, "\(deletingData)")
    }

    func downloads() -> [DownloadStatus] { answers.withLock { $0.downloads } }

    func activeDownloads() -> [DownloadStatus] {
        downloads().filter { $0.state == .downloading || $0.state == .finishing }
    }

    func pause(group: String?, name: String) throws(CommandError) -> DownloadStatus {
        try note("pause", group ?? "*", name)
        return .sample(group: group ?? "g", name: name, state: .paused, verified: 430)
    }

    func resume(group: String?, name: String) throws(CommandError) -> DownloadStatus {
        try note("resume", group ?? "*", name)
        return .sample(group: group ?? "g", name: name, state: .queued, verified: 430)
    }

    func cancel(group: String?, name: String) throws(CommandError) -> DownloadStatus {
        try note("cancel", group ?? "*", name)
        return .sample(group: group ?? "g", name: name, state: .downloading)
    }

    func limits() -> RateLimits { answers.withLock { $0.limits } }

    func setLimit(_ direction: Direction, _ bytesPerSecond: Int?) {
        answers.withLock { $0.limits[direction] = bytesPerSecond }
    }

    func waitForDownloads(
        name: String?, cancellation: Cancellation
    ) throws(CommandError) -> [DownloadStatus] {
        try note("waitForDownloads", name ?? "*")
        try hold(cancellation)
        return downloads().filter { name == nil || $0.name == name }
    }

    func setNoticeHandler(_ handler: @escaping @Sendable (NodeNotice) -> Void) {
        state.withLock { $0.onNotice = handler }
    }

    func setInterruptHandler(_ handler: @escaping @Sendable () -> Bool) {
        state.withLock { $0.onInterrupt = handler }
    }

    func setStopHandler(_ handler: @escaping @Sendable () -> Void) {
        let isStopped = state.withLock { state in
            state.onStop = handler
            return state.isStopped
        }
        if isStopped { handler() }
    }

    func stop() {
        let handler = state.withLock { state in
            state.isStopped = true
            return state.onStop
        }
        handler?()
    }

    private func hash(
        _ cancellation: Cancellation, _ onProgress: @Sendable (HashProgress) -> Void
    ) throws(CommandError) -> UploadOutcome {
        if let progress = answers.withLock({ $0.hashProgress }) { onProgress(progress) }
        try hold(cancellation)
        return answers.withLock { $0.outcome }
    }

    private func status(group: String, name: String, destination: String) -> DownloadStatus {
        .sample(group: group, name: name, destination: destination, state: .downloading)
    }
}

extension DownloadStatus {
    static func sample(
        number: Int = 1, group: String = "g", name: String = "f.bin",
        destination: String = "/tmp/f.bin",
        state: DownloadState, size: Int64 = 1000, verified: Int64 = 0, rate: Double = 0,
        contributions: [PeerContribution] = []
    ) -> DownloadStatus {
        DownloadStatus(
            number: number, group: group, name: name, destination: destination, state: state,
            size: size, verified: verified, bytesPerSecond: rate,
            secondsLeft: rate > 0 ? Double(size - verified) / rate : nil, connectedPeers: 2,
            contributions: contributions)
    }
}
