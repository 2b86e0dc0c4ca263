// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// A library target of this package: Swift 6, warnings are errors.
func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// One that computes more than it waits: optimized in debug builds too, with all its assertions. The unit
/// tests, simulations above all, take less than half the processor time.
func computing(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    let optimized = SwiftSetting.unsafeFlags(
        ["-O", "-assert-config", "Debug"], .when(configuration: .debug))
    return .target(
        name: name, dependencies: dependencies, swiftSettings: strict + [optimized])
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: dependencies,
        exclude: [], swiftSettings: strict)
}

let package = Package(
    name: "mTorrent",
    products: [
        .executable(name: "mtorrent-tracker", targets: ["mtorrent-tracker"]),
        .executable(name: "mtorrent", targets: ["mtorrent"]),
        .executable(name: "mtorrent-sim", targets: ["mtorrent-sim"]),
    ],
    targets: [
        // C: what Swift can't call itself, and maps of the distribution's libraries.
        .target(name: "CEpollShim"),
        .target(name: "CSHA1", cSettings: [.unsafeFlags(["-O2"])]),
        .target(
            name: "CTLS",
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(
            name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "CEdit", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),

        // The event loop, which knows nothing of BitTorrent.
        library("Reactor", ["CEpollShim", "CTLS"]),

        // Pure: bytes, events and a `now` in; bytes, actions and deadlines out.
        computing("Wire", ["COpenSSL", "CSHA1"]),
        library("TrackerCore", ["Wire"]),
        computing("PeerCore", ["Wire"]),
        computing("Simulation", ["PeerCore", "TrackerCore", "Wire"]),

        // Where strangers' bytes come in, for the fuzzers (a package of its own) and their replay.
        .target(
            name: "FuzzEntries",
            dependencies: ["Certificates", "PeerCore", "Reactor", "TrackerCore", "Wire"],
            path: "Fuzzing/Sources/FuzzEntries", swiftSettings: strict),

        // What both programs need of the machine.
        library("Options", []),
        library("Logging", []),
        library("SQLite", ["CSQLite"]),
        library("PostgreSQL", ["CPostgreSQL"]),
        library("Certificates", ["COpenSSL"]),

        // The drivers: sockets, disk, database, terminal.
        library(
            "Tracker",
            [
                "TrackerCore", "Reactor", "Wire", "Options", "Logging", "SQLite", "PostgreSQL",
                "Certificates",
                "COpenSSL", "CMalloc",
            ]),
        library(
            "Peer",
            [
                "PeerCore", "Reactor", "Wire", "Options", "Logging", "SQLite", "Certificates",
                "CEdit",
            ]),
        .executableTarget(
            name: "mtorrent-tracker", dependencies: ["Tracker"], swiftSettings: strict),
        .executableTarget(name: "mtorrent", dependencies: ["Peer"], swiftSettings: strict),
        .executableTarget(
            name: "mtorrent-sim", dependencies: ["Simulation", "Options"], swiftSettings: strict),

        tests("Reactor", ["Reactor", "CEpollShim", "Certificates"]),
        tests("Wire", ["Wire"]),
        tests("Options", ["Options"]),
        tests("Logging", ["Logging"]),
        tests("Certificates", ["Certificates"]),
        tests("SQLite", ["SQLite", "CSQLite"]),
        tests("TrackerCore", ["TrackerCore", "Wire"]),
        tests("PeerCore", ["PeerCore", "Simulation", "Wire"]),
        tests("Simulation", ["Simulation", "PeerCore", "Wire"]),
        tests(
            "Tracker",
            [
                "Tracker", "TrackerCore", "Reactor", "Wire", "Options", "Logging", "SQLite",
                "PostgreSQL", "Certificates",
            ]),
        tests("Peer", ["Peer", "PeerCore", "Reactor", "Wire", "SQLite", "Certificates"]),
        tests("Fuzz", ["FuzzEntries"]),
        tests("Integration", ["Wire", "Certificates", "SQLite"]),
    ],
    swiftLanguageModes: [.v6]
)
