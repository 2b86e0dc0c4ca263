import Foundation

/// What connected leechers cost in memory that ask for nothing, and what those cost that do.
struct IdleCrowd {
    let stage: PeerStage
    let clients: [any Client]
    let leechers: Int

    struct Sample {
        let client: String
        let connected: Int
        /// Anonymous bytes of the server for each that is connected.
        let bytesEach: Double
        /// Resident bytes with all of them active, but for pages of the file.
        let residentActive: Double
        let served: Int
    }

    func run() async -> [Sample] {
        var samples: [Sample] = []
        for client in clients {
            do {
                try await client.prepare(stage)
                samples.append(try await measure(client))
            } catch {
                progress("\(client.name): \(error)")
            }
        }
        return samples
    }

    private func measure(_ client: any Client) async throws -> Sample {
        let (idle, bytes) = try await idleCost(client)
        let served = try await active(client)
        let resident = served.serverResidentBytes - served.serverSharedMemoryBytes
        let sample = Sample(
            client: client.name, connected: idle.connected,
            bytesEach: Double(bytes) / Double(max(idle.connected, 1)),
            residentActive: Double(resident), served: served.served)
        progress(
            "\(client.name): \(fixed(sample.bytesEach, 0)) bytes for each of \(idle.connected), "
                + "\(resident >> 20) MiB with \(served.served) active")
        return sample
    }

    private func idleCost(_ client: any Client) async throws -> (Generators.Idle, Int) {
        let port = try freePort()
        let server = try await client.share(stage, port: port)
        defer { server.kill() }
        try await stage.answers(at: port)
        let before = server.memory("RssAnon") ?? 0
        let crowd = try stage.crowd(
            leechers, at: port, of: server, options: ["--idle"] + .option("settle", 8))
        defer { crowd.kill() }
        let line = try await crowd.line("the idle crowd", within: .seconds(20)) { _ in true }
        let idle = try stage.generators.decode(Generators.Idle.self, line)
        return (idle, (server.memory("RssAnon") ?? 0) - before)
    }

    private func active(_ client: any Client) async throws -> Generators.Served {
        let port = try freePort()
        let server = try await client.share(stage, port: port)
        defer { server.kill() }
        try await stage.answers(at: port)
        let crowd = try stage.crowd(
            leechers, at: port, of: server, options: .option("settle", 8) + .option("warm-up", 1))
        defer { crowd.kill() }
        _ = try await crowd.end(within: .seconds(40))
        return try stage.generators.result(Generators.Served.self, of: crowd)
    }
}
