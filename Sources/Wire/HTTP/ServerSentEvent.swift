/// One event of an event stream (WHATWG HTML §9.2).
package struct ServerSentEvent: Hashable, Sendable {
    /// The event's type; `message` where the stream names none.
    package var event: String
    /// The data, its lines separated by LF.
    package var data: String
    /// The last event id in force, if any was given.
    package var id: String?

    package init(event: String = "message", data: String, id: String? = nil) {
        self.event = event
        self.data = data
        self.id = id
    }
}
