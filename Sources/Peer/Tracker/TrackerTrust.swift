import Certificates
import Logging
import Reactor
import Wire

/// Which trackers are spoken to over TLS, and whether they are who they were: by the certificate
/// that the list names, else by the one that was shown at first, as ssh(1) does it.
///
/// Those on this machine have no need of TLS, unless the list names their certificate.
final class TrackerTrust {
    private let pins: [Endpoint: String]
    private let isInsecure: Bool
    private let known: KnownTrackers
    private let logger: Logger
    private let context: TLSContext

    /// - Parameters:
    ///   - pins: SHA-256 of certificates as 64 hex digits.
    ///   - isInsecure: those without a pin are spoken to without TLS.
    init(
        pins: [Endpoint: String], isInsecure: Bool, known: KnownTrackers, logger: Logger
    ) throws(CommandError) {
        self.pins = pins
        self.isInsecure = isInsecure
        self.known = known
        self.logger = logger
        do throws(TLSError) {
            context = try TLSContext(.client)
        } catch {
            throw CommandError("\(error)")
        }
    }

    /// Has a connection that is being made speak TLS, where it has to.
    func secure(_ stream: Stream, to endpoint: Endpoint) {
        guard pins[endpoint] != nil || !isInsecure && !endpoint.address.isLoopback else { return }
        stream.secure(with: context) { [unowned self] peer in
            guard let certificate = peer.certificate else { return "there is none" }
            return problem(with: Certificate.fingerprint(der: certificate), of: endpoint)
        }
    }

    /// What is wrong with a tracker that shows this certificate; nil: nothing.
    func problem(with shown: String, of endpoint: Endpoint) -> String? {
        if let pin = pins[endpoint] {
            return shown == pin
                ? nil
                : "it has the certificate sha256:\(shown), the list of trackers names "
                    + "sha256:\(pin): it is another program, or has a new certificate; ask its "
                    + "operator before you change the list"
        }
        guard let before = known[endpoint] else {
            logger.info(
                "a tracker's certificate is remembered",
                ["tracker": endpoint.description, "certificate": "sha256:\(shown)"])
            known.remember(shown, of: endpoint)
            return nil
        }
        return shown == before
            ? nil
            : "it has the certificate sha256:\(shown), before it had sha256:\(before): somebody may "
                + "be in between, or it was set up anew; ask its operator, and if it was, remove "
                + "its line from \(known.path)"
    }

    /// What is to be said of a tracker that can't be trusted; nil where TLS failed for another
    /// reason, as connections do.
    static func problem(in error: TLSError) -> String? {
        switch error {
        case .certificate(let why): why
        case .notTLS:
            "it doesn't speak TLS; with --insecure passwords would go there all the same, and "
                + "anybody on the way could read them"
        case .alert, .handshakeTimedOut, .tooManyHandshakes, .truncated, .keysUsedUp, .other: nil
        }
    }
}
