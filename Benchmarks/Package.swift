// swift-tools-version: 6.2
import PackageDescription

/// A load generator: a small C program on epoll.
func generator(_ name: String, libraries: [String] = []) -> Target {
    .executableTarget(
        name: name, dependencies: ["CLoad"], cSettings: strictC,
        linkerSettings: libraries.map { .linkedLibrary($0) })
}

let strictC: [CSetting] = [
    .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
]

// A package of its own, so that the programs' package has nothing but the programs. What starts
// and watches processes is the same as in the integration tests: `Support` has links to it.
let package = Package(
    name: "mTorrentBenchmarks",
    products: [.executable(name: "mtorrent-bench", targets: ["mtorrent-bench"])],
    targets: [
        .target(name: "CLoad", cSettings: strictC),
        generator("leechers", libraries: ["ssl", "crypto"]),
        generator("sharers"),
        generator("handshakes"),
        generator("receiver", libraries: ["crypto"]),
        generator("announcers", libraries: ["m"]),
        generator("answerer"),
        .executableTarget(
            name: "mtorrent-bench", swiftSettings: [.treatAllWarnings(as: .error)]),
    ],
    swiftLanguageModes: [.v6]
)
