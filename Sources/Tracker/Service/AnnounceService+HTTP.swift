import Reactor
import TrackerCore
import Wire

// Announces and scrapes over HTTP, answered in bencoding (BEP 3, 23, 48).
extension AnnounceService {
    /// Appends the answer to an announce, refusals included.
    func answerAnnounce(
        query: UnsafeRawBufferPointer, path: AnnouncePath, from address: IPAddress,
        into output: inout [UInt8]
    ) {
        let request: AnnounceRequest
        do throws(AnnounceError) {
            request = try AnnounceRequest(parsingQuery: query)
        } catch {
            count(.malformed, over: .http)
            return AnnounceFailure(reason: "\(error)").encode(into: &output)
        }
        answer(arrived(request, path: path, from: address), into: &output)
    }

    /// Appends the answer to an announce that was understood.
    func answer(_ arrived: ArrivedAnnounce, into output: inout [UInt8]) {
        switch announce(arrived) {
        case .refused(let failure):
            failure.encode(into: &output)
            count(.refused, over: .http)
        case .entered(let counts):
            encode(counts, to: arrived.request, arrived.address, into: &output)
            count(.entered, over: .http)
        }
    }

    private func encode(
        _ counts: Swarms.Counts, to request: AnnounceRequest, _ address: IPAddress,
        into output: inout [UInt8]
    ) {
        let answer = AnnounceResponse(
            interval: announceSeconds, minInterval: minimumSeconds, complete: counts.seeders,
            incomplete: counts.leechers, downloaded: counts.completed, externalIP: address)
        if request.compact {
            return answer.encode(ipv4: chosen.ipv4, ipv6: chosen.ipv6, into: &output)
        }
        var listed = answer
        listed.peers = Endpoint.decodeCompactIPv4(chosen.ipv4) ?? []
        listed.peers6 = Endpoint.decodeCompactIPv6(chosen.ipv6) ?? []
        listed.encode(compact: false, into: &output)
    }

    /// Appends the answer to a scrape: the counts of the swarms that the caller may announce to.
    func answerScrape(
        query: UnsafeRawBufferPointer, path: AnnouncePath, from address: IPAddress,
        into output: inout [UInt8]
    ) {
        metrics.countScrape(over: .http)
        if isTooOften(address) { return Self.tooOften.encode(into: &output) }
        let request: ScrapeRequest
        do throws(AnnounceError) {
            request = try ScrapeRequest(parsingQuery: query)
        } catch {
            return AnnounceFailure(reason: "\(error)").encode(into: &output)
        }
        var answer = ScrapeResponse(files: [:])
        for infoHash in request.infoHashes {
            switch scrape(infoHash, path: path) {
            case .failure(let failure): return failure.encode(into: &output)
            case .success(nil): continue
            case .success(let counts?):
                answer.files[infoHash] = ScrapeResponse.Entry(
                    complete: counts.seeders, downloaded: counts.completed,
                    downloaders: counts.leechers - counts.paused, incomplete: counts.leechers)
            }
        }
        answer.encode(into: &output)
    }
}

extension IPAddress {
    init(_ address: SocketAddress) {
        guard let endpoint = address.withSockaddr({ pointer, _ in Endpoint(pointer) }) else {
            preconditionFailure("a socket address is of IPv4 or IPv6")
        }
        self = endpoint.address
    }
}
