import Foundation

/// libtorrent by its Python module.
struct LibTorrent: Client, Downloader {
    /// By libtorrent's own settings for seeding at high performance.
    var isTuned = false

    var name: String { isTuned ? "libtorrent, tuned" : "libtorrent, defaults" }

    func share(_ stage: PeerStage, port: UInt16) async throws -> ChildProcess {
        let process = try start(
            "share", stage.sharerTorrent, stage.folder + "/seed", port, stage.placement, .first)
        process.send("go")
        return process
    }

    func download(_ order: DownloadOrder, _ stage: PeerStage) async throws -> RunningDownload {
        let process = try start(
            "download", stage.downloaderTorrent, order.folder + "/got", order.port,
            stage.placement, order.core)
        try await process.line("libtorrent's start") { $0 == "ready" }
        let download = RunningDownload(process, isRunning: true) {
            process.output.lines.contains("finished")
        }
        process.send("go")
        return download
    }

    private func start(
        _ role: String, _ torrent: String, _ folder: String, _ port: UInt16,
        _ placement: Placement, _ core: Core
    ) throws -> ChildProcess {
        try placement.start(
            "/usr/bin/python3",
            ["-u", "-c", Self.script, role, torrent, folder, "\(port)", "\(isTuned)"], on: core)
    }

    private static let script = """
        import sys, libtorrent as lt
        role, torrent, folder, port, tuned = sys.argv[1:]
        settings = lt.high_performance_seed() if tuned == 'true' else {}
        if tuned == 'true' and role == 'download':
            settings.update({'max_out_request_queue': 2000, 'connection_speed': 500})
        settings.update({
            'listen_interfaces': '127.0.0.1:' + port, 'enable_dht': False, 'enable_lsd': False,
            'enable_upnp': False, 'enable_natpmp': False, 'enable_incoming_utp': False,
            'enable_outgoing_utp': False, 'allow_multiple_connections_per_ip': True,
            'connections_limit': 8000, 'unchoke_slots_limit': -1,
            'alert_mask': lt.alert.category_t.status_notification,
        })
        session = lt.session(settings)
        print('ready')
        sys.stdin.readline()
        wanted = lt.add_torrent_params()
        wanted.ti = lt.torrent_info(torrent)
        wanted.save_path = folder
        wanted.max_connections = 8000
        wanted.max_uploads = -1
        if role == 'share':
            wanted.flags |= lt.torrent_flags.seed_mode
        session.add_torrent(wanted)
        while True:
            session.wait_for_alert(1000)
            for alert in session.pop_alerts():
                if isinstance(alert, lt.torrent_finished_alert):
                    print('finished')
        """
}
