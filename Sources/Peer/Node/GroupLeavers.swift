/// Who has left a sealed group and may have a certificate that counts yet.
///
/// The tracker says so twice: whole, with each certificate that it signs, and one by one on the event
/// stream. They come over different connections, so that an answer may be older than what the stream
/// has said since it was asked for. That counts more: where the answer is the later of the two, the
/// stream is about to say the same.
struct GroupLeavers {
    private var users: Set<String> = []
    /// What the stream has said since the last question: true of those who have left.
    private var news: [String: Bool] = [:]

    func contains(_ user: String) -> Bool { users.contains(user) }

    mutating func left(_ user: String) {
        users.insert(user)
        news[user] = true
    }

    mutating func joined(_ user: String) {
        users.remove(user)
        news[user] = false
    }

    /// The tracker is being asked.
    mutating func ask() { news = [:] }

    mutating func take(answer: [String]) {
        users = Set(answer)
        for (user, hasLeft) in news {
            if hasLeft { users.insert(user) } else { users.remove(user) }
        }
    }
}
