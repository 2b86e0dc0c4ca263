/// What a tracker tells its logged-in peers as it happens: `GET /api/v1/events`.
package enum TrackerEvent: Hashable, Sendable {
    case hello(HelloEvent)
    case passkey(PasskeyEvent)
    case membership(MembershipEvent)
    case catalogue(CatalogueEvent)
    case share(ShareEvent)

    /// The event as it goes over the stream: its kind as `event`, JSON as `data`.
    package var serverSentEvent: ServerSentEvent {
        switch self {
        case .hello(let body): Self.wrap("hello", body)
        case .passkey(let body): Self.wrap("passkey", body)
        case .membership(let body): Self.wrap("membership", body)
        case .catalogue(let body): Self.wrap("catalogue", body)
        case .share(let body): Self.wrap("share", body)
        }
    }

    /// The event a stream brought; nil for kinds not known here, which later trackers may send.
    package static func decode(_ event: ServerSentEvent) throws(JSONError) -> TrackerEvent? {
        let data = event.data.utf8
        return switch event.event {
        case "hello": .hello(try WireJSON.decode(HelloEvent.self, from: data))
        case "passkey": .passkey(try WireJSON.decode(PasskeyEvent.self, from: data))
        case "membership": .membership(try WireJSON.decode(MembershipEvent.self, from: data))
        case "catalogue": .catalogue(try WireJSON.decode(CatalogueEvent.self, from: data))
        case "share": .share(try WireJSON.decode(ShareEvent.self, from: data))
        default: nil
        }
    }

    private static func wrap(_ kind: String, _ body: some Encodable) -> ServerSentEvent {
        ServerSentEvent(
            event: kind, data: String(decoding: WireJSON.encode(body), as: UTF8.self))
    }
}
