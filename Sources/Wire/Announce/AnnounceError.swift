/// Why a query isn't an announce or a scrape (BEP 3, 48). The tracker answers with the text as
/// the failure reason.
package enum AnnounceError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Parameter: String, Sendable {
        case infoHash = "info_hash"
        case peerID = "peer_id"
        case port
        case uploaded
        case downloaded
        case left
        case numwant
        case event
    }

    case missing(Parameter)
    case malformed(Parameter)
    case repeated(Parameter)
    /// A datagram that ends before the announce does (BEP 15).
    case truncated
    /// A scrape of more info-hashes than allowed.
    case tooManyInfoHashes(limit: Int)

    package var description: String {
        switch self {
        case .missing(let parameter): "\(parameter.rawValue) is missing"
        case .malformed(let parameter): "\(parameter.rawValue) is malformed"
        case .repeated(let parameter): "\(parameter.rawValue) is given twice"
        case .truncated: "the announce is too short"
        case .tooManyInfoHashes(let limit): "more than \(limit) info-hashes in one scrape"
        }
    }
}
