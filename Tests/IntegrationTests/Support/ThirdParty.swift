import Foundation

/// BitTorrent clients of others, from the distribution. Each is told to hear of peers from the
/// tracker alone, and to listen on a port of 127.0.0.1.
enum ThirdParty: String, CaseIterable {
    case aria2
    case libtorrent
    case transmission

    /// The Pythons that have libtorrent: the distribution's, and the one that `scripts/bootstrap`
    /// makes for the release on PyPI, where it could be had.
    static let pythons = ["/usr/bin/python3"] + (exists(environment) ? [environment] : [])

    private static let environment =
        URL(fileURLWithPath: #filePath + "/../../../../.build")
        .standardizedFileURL.path + "/python/bin/python3"

    /// How aria2 is to behave.
    struct Manners {
        /// False makes it seed what is there without looking at it.
        var verifies = true
        /// Bytes a second; 0 is no limit.
        var uploadLimit = 0
    }

    /// Starts the client with a torrent file, or a magnet link, over a folder, in which it seeds
    /// the file if that is there, and downloads it otherwise. It goes on seeding afterwards.
    func start(
        torrent: String, folder: String, scratch: Scratch, manners: Manners = Manners()
    ) throws -> ChildProcess {
        let port = try freePort()
        switch self {
        case .aria2:
            return try ThirdParty.startAria2(torrent, folder, port, manners)
        case .libtorrent:
            return try ChildProcess(
                "/usr/bin/python3",
                ["-u", "-c", ThirdParty.libtorrentScript, torrent, folder, "\(port)"],
                mergingErrors: true)
        case .transmission:
            let configuration = try scratch.folder("transmission-\(port)")
            _ = try scratch.text(
                "transmission-\(port)/settings.json", ThirdParty.transmissionSettings)
            return try ChildProcess(
                "transmission-cli",
                [
                    "--config-dir", configuration, "--download-dir", folder, "--port", "\(port)",
                    "--no-portmap", torrent,
                ], environment: ["HOME": configuration], mergingErrors: true)
        }
    }

    private static func startAria2(
        _ torrent: String, _ folder: String, _ port: UInt16, _ manners: Manners
    ) throws -> ChildProcess {
        try ChildProcess(
            "aria2c",
            [
                "--no-conf=true", "--dir=\(folder)", "--listen-port=\(port)",
                "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
                "--enable-peer-exchange=false", "--disable-ipv6=true", "--file-allocation=none",
                "--summary-interval=0", "--enable-color=false", "--seed-ratio=0.0",
                "--check-integrity=\(manners.verifies)",
                "--bt-seed-unverified=\(!manners.verifies)",
                "--max-upload-limit=\(manners.uploadLimit)", "--bt-tracker-connect-timeout=5",
                "--allow-overwrite=true", torrent,
            ], mergingErrors: true)
    }

    /// Prints what happens to the torrent, a line each.
    private static let libtorrentScript = """
        import sys, libtorrent as lt
        torrent, folder, port = sys.argv[1:4]
        session = lt.session({
            'listen_interfaces': '127.0.0.1:' + port, 'enable_dht': False, 'enable_lsd': False,
            'enable_upnp': False, 'enable_natpmp': False,
            'allow_multiple_connections_per_ip': True,
            'alert_mask': lt.alert.category_t.status_notification
                | lt.alert.category_t.error_notification | lt.alert.category_t.tracker_notification,
        })
        if torrent.startswith('magnet:'):
            torrent = lt.parse_magnet_uri(torrent)
            torrent.save_path = folder
            session.add_torrent(torrent)
        else:
            session.add_torrent({'ti': lt.torrent_info(torrent), 'save_path': folder})
        while True:
            session.wait_for_alert(1000)
            for alert in session.pop_alerts():
                print(type(alert).__name__, alert.message())
        """

    private static let transmissionSettings = """
        {
            "dht-enabled": false, "lpd-enabled": false, "pex-enabled": false,
            "utp-enabled": false, "port-forwarding-enabled": false, "preallocation": 0
        }
        """
}

extension ChildProcess {
    /// Waits until a file of this client is there in full. Clients write under the final name or
    /// give it at the end, and write when they like: the hash alone tells.
    func completes(_ path: String, as original: String) async throws {
        let expected = try await sha1sum(original)
        try await eventually(
            "all of \(path)", within: .seconds(90), longestPause: .milliseconds(200),
            context: transcript
        ) {
            guard fileSize(path) == fileSize(original) else { return false }
            return try await sha1sum(path) == expected
        }
    }
}
