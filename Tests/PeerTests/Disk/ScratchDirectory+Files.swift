import Foundation

extension ScratchDirectory {
    func file(_ name: String) -> String { path + "/" + name }

    /// - Returns: the file's path.
    @discardableResult
    func write(_ bytes: [UInt8], to name: String) -> String {
        let isWritten = FileManager.default.createFile(
            atPath: file(name), contents: Data(bytes))
        precondition(isWritten, "a test's own directory can be written to")
        return file(name)
    }

    /// Makes a directory and those above it.
    func make(_ name: String) {
        let isMade = Result {
            try FileManager.default.createDirectory(
                atPath: file(name), withIntermediateDirectories: true)
        }
        precondition((try? isMade.get()) != nil, "a test's own directory can be written to")
    }

    func contents(of name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: file(name)).map { [UInt8]($0) }
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }
}
