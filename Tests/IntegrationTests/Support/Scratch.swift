import Foundation

/// A folder for one test, removed with everything in it when the value goes away.
final class Scratch: Sendable {
    let path: String

    init() throws {
        let base = FileManager.default.temporaryDirectory.path
        var template = Array("\(base)/mtorrent-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw SpawnError(description: "\(base): \(String(cString: strerror(errno)))")
        }
        path = String(cString: made)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of something in the folder.
    func callAsFunction(_ name: String) -> String { path + "/" + name }

    /// A new folder in the folder.
    func folder(_ name: String) throws -> String {
        let path = self(name)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// A file of bytes that only its seed decides, and that don't compress.
    /// - Returns: its path.
    func file(_ name: String, size: Int, seed: UInt64) throws -> String {
        let path = self(name)
        try write(Data(), to: path)
        try TestBytes.write(to: path, size: size, seed: seed)
        return path
    }

    func text(_ name: String, _ text: String) throws -> String {
        let path = self(name)
        try write(Data(text.utf8), to: path)
        return path
    }

    private func write(_ data: Data, to path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try data.write(to: URL(fileURLWithPath: path))
    }
}

/// Bytes from SplitMix64 (Steele, Lea and Flood, 2014).
enum TestBytes {
    static func make(count: Int, seed: UInt64) -> [UInt8] {
        var state = seed
        return [UInt8](unsafeUninitializedCapacity: count + 8) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            for offset in stride(from: 0, to: count, by: 8) {
                state &+= 0x9e37_79b9_7f4a_7c15
                var z = state
                z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
                z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
                bytes.storeBytes(of: z ^ (z >> 31), toByteOffset: offset, as: UInt64.self)
            }
            initialized = count
        }
    }

    /// Makes a file of such bytes, some MiB at a time.
    static func write(to path: String, size: Int, seed: UInt64) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw SpawnError(description: "\(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var offset = 0
        while offset < size {
            // Each part from a seed of its own, far from the others in the generator's cycle.
            let part = make(
                count: min(4 << 20, size - offset),
                seed: seed &+ UInt64(offset) &* 0xd134_2543_de82_ef95)
            let count = pwrite(descriptor, part, part.count, off_t(offset))
            guard count == part.count else {
                throw SpawnError(description: "\(path): can't write all of it")
            }
            offset += count
        }
    }
}

/// Overwrites bytes in the middle of a file and puts its times back, as a failing disk would
/// change it: nothing but the bytes tells.
func damage(_ path: String, at offset: Int, count: Int) throws {
    var before = stat()
    let descriptor = open(path, O_RDWR)
    guard descriptor >= 0, fstat(descriptor, &before) == 0 else {
        throw SpawnError(description: "\(path): \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    let bytes = TestBytes.make(count: count, seed: 0xdead)
    guard pwrite(descriptor, bytes, count, offset) == count else {
        throw SpawnError(description: "\(path): can't write")
    }
    var times = [before.st_atim, before.st_mtim]
    futimens(descriptor, &times)
}

/// The size of a file; nil where there is none.
func fileSize(_ path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
}
