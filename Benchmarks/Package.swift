// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the programs' package has nothing but the programs. What starts
// and watches processes is the same as in the integration tests: `Support` has links to it.
let package = Package(
    name: "mTorrentBenchmarks",
    products: [.executable(name: "mtorrent-bench", targets: ["mtorrent-bench"])],
    targets: [
        .executableTarget(
            name: "mtorrent-bench", swiftSettings: [.treatAllWarnings(as: .error)])
    ],
    swiftLanguageModes: [.v6]
)
