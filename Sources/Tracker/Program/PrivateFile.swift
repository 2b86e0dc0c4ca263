import Glibc

/// Files with secrets, which their owner alone may read.
enum PrivateFile {
    /// Makes a file: whole or not at all, and never over one that another tracker has made meanwhile.
    static func make(_ bytes: [UInt8], at path: String) throws(StartError) {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path) }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0,
            link(temporary, path) == 0 || errno == EEXIST
        else { throw failure(path) }
    }

    private static func failure(_ path: String) -> StartError {
        StartError("\(path) can't be written: \(String(cString: strerror(errno)))")
    }
}
