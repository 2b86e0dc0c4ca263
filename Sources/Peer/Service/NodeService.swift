import Reactor
import Wire

/// The node as other threads see it: each call is a job on the loop's thread and the wait for its
/// answer.
package final class NodeService: PeerService {
    /// Only ever followed on the loop's thread.
    struct NodeReference: @unchecked Sendable {
        let node: Node
    }

    let submitter: LoopSubmitter
    let reference: NodeReference
    package let port: UInt16
    package let dataDirectory: String

    /// - Parameter node: its loop must be run by the calling thread.
    package init(_ node: Node) {
        submitter = node.loop.submitter
        reference = NodeReference(node: node)
        port = node.port
        dataDirectory = node.store.directory
    }

    /// Runs `body` on the loop's thread and waits for its reply.
    func ask<Value: Sendable>(
        _ body: @escaping @Sendable (Node, Reply<Value>) -> Void
    ) throws(CommandError) -> Value {
        let answer = Answer<Value>()
        submit(body, answer)
        return try answer.wait()
    }

    /// A function of its own, so that the job holds the only reference to the reply.
    private func submit<Value: Sendable>(
        _ body: @escaping @Sendable (Node, Reply<Value>) -> Void, _ answer: Answer<Value>
    ) {
        let reply = Reply(answer)
        submitter.submit { [reference] in body(reference.node, reply) }
    }

    /// A question to the tracker whose answer is the command's.
    func askTracker<Value: Sendable>(
        _ call:
            @escaping @Sendable (
                TrackerClient, @escaping (Result<Value, TrackerError>) -> Void
            ) -> Void
    ) throws(CommandError) -> Value {
        try ask { node, reply in
            do throws(CommandError) {
                _ = try node.requireSession()
            } catch {
                return reply(.failure(error))
            }
            call(node.tracker) { reply($0.mapError { CommandError($0) }) }
        }
    }

    /// Work of the node itself, done at once.
    func tell<Value: Sendable>(
        _ body: @escaping @Sendable (Node) throws(CommandError) -> Value
    ) throws(CommandError) -> Value {
        try ask { node, reply in
            do throws(CommandError) {
                reply(.success(try body(node)))
            } catch {
                reply(.failure(error))
            }
        }
    }

    // MARK: Accounts

    package func createUser(_ userID: String, password: String) throws(CommandError) {
        let _: CreateUserResponse = try ask { node, reply in
            node.tracker.createUser(CreateUserRequest(userID: userID, password: password)) {
                reply($0.mapError { CommandError($0) })
            }
        }
    }

    package func logIn(
        _ userID: String, password: String
    ) throws(CommandError) -> LoginSummary {
        try ask { node, reply in node.logIn(userID, password: password) { reply($0) } }
    }

    package func logOut() throws(CommandError) {
        try ask { node, reply in node.logOut { reply($0) } }
    }

    package func currentUser() -> String? {
        try? tell { $0.session?.userID }
    }

    package func passkey() throws(CommandError) -> String {
        try tell { node throws(CommandError) in try node.requireSession().passkey }
    }

    package func resetPasskey() throws(CommandError) -> String {
        let answer = try askTracker { $0.resetPasskey(then: $1) }
        try tell { $0.passkeyIsReplaced(by: answer.passkey) }
        return answer.passkey
    }

    // MARK: Groups

    package func createGroup(_ groupID: String, kind: GroupKind) throws(CommandError) {
        try askTracker {
            $0.createGroup(CreateGroupRequest(groupID: groupID, kind: kind), then: $1)
        }
    }

    package func joinGroup(_ groupID: String) throws(CommandError) {
        try askTracker { $0.requestMembership(group: groupID, then: $1) }
    }

    package func leaveGroup(
        _ groupID: String
    ) throws(CommandError) -> MembershipRemovedResponse {
        let user = try tell { node throws(CommandError) in try node.requireSession().userID }
        let answer = try askTracker {
            $0.removeMember(group: groupID, user: user, then: $1)
        }
        try tell { $0.transfers.forget(group: groupID, user: user) }
        return answer
    }

    package func listRequests(group: String) throws(CommandError) -> [MembershipRequest] {
        try askTracker { $0.requests(group: group, then: $1) }.requests
    }

    package func acceptRequest(group: String, user: String) throws(CommandError) {
        try askTracker { $0.acceptRequest(group: group, user: user, then: $1) }
    }

    package func rejectRequest(group: String, user: String) throws(CommandError) {
        try askTracker { $0.rejectRequest(group: group, user: user, then: $1) }
    }

    package func removeMember(group: String, user: String) throws(CommandError) {
        let _: MembershipRemovedResponse = try askTracker {
            $0.removeMember(group: group, user: user, then: $1)
        }
    }

    package func listGroups() throws(CommandError) -> [GroupSummary] {
        try askTracker { $0.groups(then: $1) }.groups
    }

    // MARK: The program

    package func setNoticeHandler(_ handler: @escaping @Sendable (NodeNotice) -> Void) {
        submitter.submit { [reference] in reference.node.noticeHandler = handler }
    }

    package func setInterruptHandler(_ handler: @escaping @Sendable () -> Bool) {
        submitter.submit { [reference] in reference.node.setInterruptHandler(handler) }
    }

    package func setStopHandler(_ handler: @escaping @Sendable () -> Void) {
        submitter.submit { [reference] in reference.node.addStopHandler(handler) }
    }

    package func stop() {
        submitter.submit { [reference] in reference.node.stop() }
    }
}
