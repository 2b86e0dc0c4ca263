import Certificates
import Foundation
import SQLite
import Testing
import Wire

/// libtorrent in a sealed group, as its manual describes SSL torrents.
@Suite(.inTurn) struct SealedClientTests {
    @Test(arguments: ThirdParty.pythons)
    func `libtorrent downloads with a member's certificate, and seeds to members`(
        python: String
    ) async throws {
        let stage = try await SealedStage()
        let folder = try stage.network.scratch.folder("libtorrent")
        let client = try await libtorrent(python, stage, pem: stage.pem, folder)
        defer { client.kill() }
        try await client.completes(folder + "/book.bin", as: stage.original)
        // Then Bob gets it from there alone.
        _ = try await stage.alice.quit()
        try await stage.bobIsServed()
        let sources = try await stage.bob.shownDownload(of: "book.bin").sources
        #expect(sources.count == 1)
    }

    /// What libtorrent is given instead of a member's certificate.
    enum Identity: CaseIterable {
        case none, ofAnotherGroup, expired
    }

    @Test(arguments: Identity.allCases)
    func `libtorrent without a certificate that counts gets nothing`(
        identity: Identity
    ) async throws {
        let python = try #require(ThirdParty.pythons.last)
        let stage = try await SealedStage()
        let scratch = stage.network.scratch
        let pem: String?
        switch identity {
        case .none: pem = nil
        case .ofAnotherGroup:
            try await stage.mallory("create_group others sealed")
            try await stage.mallory("upload_file \(stage.original) others")
            try await stage.mallory("export others book.bin \(scratch("others.torrent"))")
            pem = scratch("others.torrent.pem")
        case .expired: pem = try expired(stage)
        }
        let folder = try scratch.folder("libtorrent")
        let client = try await libtorrent(python, stage, pem: pem, folder)
        defer { client.kill() }
        // It has met Alice, and been turned away.
        let alice = stage.alice.address
        try await client.line("its being turned away", within: .seconds(60)) {
            $0.hasPrefix("peer_disconnected_alert ") && $0.contains(alice)
        }
        try await client.line("what it has then", from: client.output.count) {
            $0.hasPrefix("received ")
        }
        let received = client.output.lines.filter { $0.hasPrefix("received ") }
        #expect(Set(received) == ["received 0"])
        #expect(!exists(folder + "/book.bin"))
        try await stage.bobIsServed()
    }

    /// A certificate of Mallory's key that the group's authority signed, and whose hour is over.
    private func expired(_ stage: SealedStage) throws -> String {
        let folder = stage.network.scratch("tracker")
        let digits = try String(contentsOfFile: folder + "/secret.key", encoding: .utf8)
        let secret = try #require(Hex.decode(digits.trimmingCharacters(in: .newlines)))
        let database = try Database(path: folder + "/tracker.db", synchronous: .full)
        let stored = try database.queryOne(
            "SELECT certificate, sealed_key FROM groups WHERE group_id = ?", "readers"
        ) { ($0.blob(0), $0.blob(1)) }
        let (certificate, sealedKey) = try #require(stored)
        let authority = try CertificateAuthority(
            certificate: Certificate(pem: certificate),
            key: PrivateKey(pem: SecretBox(key: secret).open(sealedKey, label: "readers")))
        let key = try PrivateKey(pem: [UInt8](Data(contentsOf: URL(fileURLWithPath: stage.pem))))
        let old = try authority.sign(
            CertificateRequest(key: key), name: "mallory", hosts: ["*"], seconds: -3600 ..< -1)
        let path = stage.network.scratch("expired.pem")
        try Data(try old.pem() + key.pem()).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// libtorrent with Mallory's torrent over a folder, with the certificate and key in `pem`.
    private func libtorrent(
        _ python: String, _ stage: SealedStage, pem: String?, _ folder: String
    ) async throws -> ChildProcess {
        let parameters = stage.network.scratch("dh.pem")
        let made = try await run(
            "openssl",
            [
                "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out",
                parameters,
            ])
        #expect(made.code == 0)
        return try ChildProcess(
            python,
            [
                "-u", "-c", Self.script, stage.network.scratch("mallory.torrent"), pem ?? "",
                parameters, folder, "\(try freePort())", "\(try freePort())",
            ], mergingErrors: true)
    }

    private static let script = """
        import sys, libtorrent as lt
        torrent, pem, dh, folder, port, secure_port = sys.argv[1:]
        print('libtorrent', lt.version)
        session = lt.session({
            'listen_interfaces': f'127.0.0.1:{port},127.0.0.1:{secure_port}s',
            'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
            'enable_natpmp': False, 'allow_multiple_connections_per_ip': True,
            'alert_mask': lt.alert.category_t.all_categories,
        })
        handle = session.add_torrent({'ti': lt.torrent_info(torrent), 'save_path': folder})
        if pem:
            handle.set_ssl_certificate(pem, pem, dh, '')
        while True:
            session.wait_for_alert(1000)
            for alert in session.pop_alerts():
                name = type(alert).__name__
                if 'log' not in name and 'stats' not in name and 'block' not in name:
                    print(name, alert.message())
            print('received', handle.status().total_payload_download)
        """
}
