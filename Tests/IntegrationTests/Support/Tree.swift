import Foundation

/// Directories of files, as the tests of them need.
extension Scratch {
    /// Makes a directory of files whose bytes their sizes and places decide.
    /// - Parameter files: sizes by path below the directory; an empty name can't be.
    /// - Returns: its path.
    @discardableResult
    func tree(_ name: String, _ files: KeyValuePairs<String, Int>) throws -> String {
        for (index, (path, size)) in files.enumerated() {
            _ = try file("\(name)/\(path)", size: size, seed: UInt64(index) << 32 + UInt64(size))
        }
        return self(name)
    }
}

/// What diff(1) finds of two directories, names, kinds and bytes; empty where they are the same.
func differences(_ a: String, _ b: String) async throws -> [String] {
    let finished = try await run("diff", ["-r", "--no-dereference", "--", a, b])
    guard let code = finished.code, code <= 1 else {
        throw SpawnError(description: "diff \(a) \(b): \(finished.errors)")
    }
    return code == 0 ? [] : finished.output
}

/// The paths of all files below a directory, sorted.
func files(below directory: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: directory)
    var files: [String] = []
    while let path = all?.nextObject() as? String {
        var status = stat()
        guard lstat(directory + "/" + path, &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFREG { files.append(path) }
    }
    return files.sorted()
}
