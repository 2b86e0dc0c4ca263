import Testing

/// The simulation as a program: another process has other addresses and other hash seeds, none of
/// which may show.
struct SimulationProgramTests {
    @Test(arguments: [["--seed", "3"], ["--scenario", "flash-crowd", "--peers", "5"]])
    func `two processes tell the same course of a seed`(arguments: [String]) async throws {
        let first = try await run(Programs.simulation, arguments)
        let again = try await run(Programs.simulation, arguments)
        func hash(_ finished: Finished) -> [String] {
            finished.output.filter { $0.contains("trace hash") }
        }
        #expect(first.code == 0 && again.code == 0)
        #expect(hash(first).count == 1)
        #expect(hash(first) == hash(again))
    }

    @Test func `an unknown scenario is refused with the names of those there are`() async throws {
        let finished = try await run(Programs.simulation, ["--scenario", "nothing"])
        #expect(finished.code == 2)
        #expect(finished.errors.contains { $0.contains("flash-crowd") })
    }
}
