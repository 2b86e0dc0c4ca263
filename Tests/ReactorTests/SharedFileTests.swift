import Glibc
import Testing

@testable import Reactor

@Suite struct SharedFileTests {
    @Test func `opening what isn't there names the path and the reason`() {
        #expect(throws: SystemError(code: ENOENT, operation: "open /tmp/no/such/file")) {
            try SharedFile(path: "/tmp/no/such/file")
        }
    }

    @Test func `a file is created with its mode, close-on-exec`() throws {
        let temporary = try TemporaryFile()
        unlink(temporary.path)
        let file = try SharedFile(path: temporary.path, flags: O_RDWR | O_CREAT, mode: 0o600)
        var status = stat()
        try #require(fstat(file.descriptor, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(fcntl(file.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func `the descriptor is closed with the last reference`() throws {
        let counts = try withOwnDescriptors {
            let before = openDescriptorCount()
            var file: SharedFile? = try SharedFile(path: "/dev/null")
            let other = file
            file = nil
            let between = openDescriptorCount()
            withExtendedLifetime(other) {}
            return (before, between)
        }
        #expect(counts.1 == counts.0 + 1)
        let after = try withOwnDescriptors {
            let before = openDescriptorCount()
            _ = try SharedFile(path: "/dev/null")
            return openDescriptorCount() - before
        }
        #expect(after == 0)
    }

    @Test func `what was written is in memory until it is forgotten`() throws {
        let length = 4 << 20
        let temporary = try TemporaryFile(
            [UInt8](repeating: 1, count: length), in: "/var/tmp")
        let file = temporary.file
        #expect(file.isCached(offset: 0, length: length))
        #expect(fsync(file.descriptor) == 0)
        #expect(posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0)
        #expect(!file.isCached(offset: 0, length: length))
        #expect(file.isCached(offset: 0, length: 0))
        var byte: UInt8 = 0
        file.readsNothingAhead()
        #expect(pread(file.descriptor, &byte, 1, off_t(length - 1)) == 1)
        #expect(file.isCached(offset: Int64(length) - 1, length: 1))
        #expect(!file.isCached(offset: 0, length: length))
    }

    @Test func `a file without a disk behind it is always in memory`() throws {
        let temporary = try TemporaryFile(in: "/dev/shm")
        #expect(ftruncate(temporary.file.descriptor, 1 << 20) == 0)
        #expect(temporary.file.isCached(offset: 0, length: 1 << 20))
    }
}
