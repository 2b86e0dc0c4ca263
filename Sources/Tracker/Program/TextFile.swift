import Glibc

/// Small text files.
enum TextFile {
    /// More than any list of trackers has, so that `/dev/zero` ends.
    private static let limit = 1 << 20

    /// The text of a file of at most 1 MiB.
    static func read(_ path: String) throws(StartError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StartError("\(path): \(systemError())") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw StartError("\(path): \(systemError())") }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= limit else { throw StartError("\(path): longer than 1 MiB") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw StartError("\(path): not UTF-8 text")
        }
        return text
    }

    private static func systemError() -> String { String(cString: strerror(errno)) }
}
