// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

// A package of its own, since all of it is built with libFuzzer's instrumentation
// (`swift build --sanitize=fuzzer`). The targets are links to those of the programs; the
// tests of the programs replay the corpus through `FuzzEntries`.
let package = Package(
    name: "mTorrentFuzzing",
    products: [.executable(name: "mtorrent-fuzz", targets: ["mtorrent-fuzz"])],
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "CSHA1", cSettings: [.unsafeFlags(["-O2"])]),
        .target(name: "CEpollShim"),
        .target(
            name: "CTLS", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "Reactor", dependencies: ["CEpollShim", "CTLS"], swiftSettings: strict),
        .target(name: "Certificates", dependencies: ["COpenSSL"], swiftSettings: strict),
        .target(name: "Wire", dependencies: ["COpenSSL", "CSHA1"], swiftSettings: strict),
        .target(name: "PeerCore", dependencies: ["Wire"], swiftSettings: strict),
        .target(name: "TrackerCore", dependencies: ["Wire"], swiftSettings: strict),
        .target(
            name: "FuzzEntries",
            dependencies: ["Certificates", "PeerCore", "Reactor", "TrackerCore", "Wire"],
            swiftSettings: strict),
        .executableTarget(
            name: "mtorrent-fuzz", dependencies: ["FuzzEntries"],
            // libFuzzer has `main`.
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]),
    ],
    swiftLanguageModes: [.v6]
)
