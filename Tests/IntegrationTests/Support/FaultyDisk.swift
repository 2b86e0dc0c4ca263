import Foundation

/// A disk that a test makes slow, full or defective while programs use it: a file system of
/// fuse(8) over a folder. It knows neither fallocate(2) nor renaming without replacing, like many
/// a file system of the network.
final class FaultyDisk: Sendable {
    enum Fault {
        /// Whoever reads waits until the fault is gone.
        case holdReads
        case failReads
        case failWrites
        /// No write that makes the disk fuller succeeds.
        case full

        fileprivate var word: String {
            switch self {
            case .holdReads: "hold read"
            case .failReads: "EIO read"
            case .failWrites: "EIO write"
            case .full: "ENOSPC write"
            }
        }
    }

    /// Whether this machine lets one be made.
    static let isPossible = access("/dev/fuse", R_OK | W_OK) == 0

    let path: String
    private let faults: String
    private let process: ChildProcess
    private let scratch: Scratch

    init(_ scratch: Scratch) async throws {
        self.scratch = scratch
        let backing = try scratch.folder("backing")
        path = try scratch.folder("disk")
        faults = try scratch.text("faults", "")
        process = try ChildProcess(
            "/usr/bin/python3", ["-u", "-c", FaultyDisk.script, backing, path, faults],
            mergingErrors: true)
        let (process, path) = (process, path)
        try await eventually("the disk", context: process.transcript) {
            FaultyDisk.device(of: path) != FaultyDisk.device(of: backing)
        }
    }

    deinit {
        // What hangs in it must not hang on; what is in the scratch folder is removed later.
        try? Data().write(to: URL(fileURLWithPath: faults))
        umount2(path, Int32(MNT_DETACH))
        process.signal(SIGTERM)
    }

    private static func device(of path: String) -> dev_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_dev : nil
    }

    func callAsFunction(_ name: String) -> String { path + "/" + name }

    /// From now on, for all files whose name has `part` in it; nothing takes faults back.
    func cause(_ fault: Fault?, of part: String = "") throws {
        let text = fault.map { "\($0.word) \(part)\n" } ?? ""
        // In one step: the disk reads it at every call.
        try Data(text.utf8).write(to: URL(fileURLWithPath: faults), options: .atomic)
    }

    /// Until somebody waits in a read.
    func isHolding() async throws {
        try await eventually("a read that waits", context: process.transcript) {
            process.output.lines.contains { $0.hasPrefix("held ") }
        }
    }

    private static let script = """
        import errno, os, sys, threading, time
        from fusepy import FUSE, FuseOSError, Operations

        class Disk(Operations):
            def __init__(self, root, faults):
                self.root, self.faults = root, faults

            def __call__(self, operation, path, *args):
                if operation in ('getattr', 'statfs', 'chmod', 'chown', 'mkdir', 'rmdir', 'unlink',
                                 'readdir', 'truncate', 'open', 'create', 'utimens'):
                    path = self.root + path
                try:
                    return getattr(self, operation)(path, *args)
                except OSError as error:
                    raise FuseOSError(error.errno)

            def fault(self, operation, path):
                while True:
                    with open(self.faults) as file:
                        words = file.read().split()
                    if not words or words[1] != operation or ''.join(words[2:]) not in path:
                        return
                    if words[0] != 'hold':
                        raise FuseOSError(getattr(errno, words[0]))
                    print('held', path)
                    time.sleep(0.01)

            def getattr(self, path, fh=None):
                status = os.lstat(path)
                return {key: getattr(status, key) for key in (
                    'st_mode', 'st_nlink', 'st_size', 'st_ino', 'st_uid', 'st_gid', 'st_blocks',
                    'st_mtime', 'st_ctime', 'st_atime')}

            def statfs(self, path):
                status = os.statvfs(path)
                return {key: getattr(status, key) for key in (
                    'f_bsize', 'f_frsize', 'f_blocks', 'f_bfree', 'f_bavail', 'f_files',
                    'f_ffree', 'f_namemax')}

            def readdir(self, path, fh):
                return ['.', '..'] + os.listdir(path)

            def chmod(self, path, mode): return os.chmod(path, mode)
            def chown(self, path, uid, gid): return os.lchown(path, uid, gid)
            def mkdir(self, path, mode): return os.mkdir(path, mode)
            def rmdir(self, path): return os.rmdir(path)
            def unlink(self, path): return os.unlink(path)
            def rename(self, old, new): return os.rename(self.root + old, self.root + new)
            def link(self, new, old): return os.link(self.root + old, self.root + new)
            def utimens(self, path, times=None): return os.utime(path, times)
            def truncate(self, path, length, fh=None): return os.truncate(path, length)
            def open(self, path, flags): return os.open(path, flags)
            def create(self, path, mode, fi=None):
                return os.open(path, os.O_RDWR | os.O_CREAT, mode)
            def release(self, path, fh): return os.close(fh)
            def flush(self, path, fh): return 0
            def fsync(self, path, datasync, fh): return os.fsync(fh)

            def read(self, path, size, offset, fh):
                self.fault('read', path)
                return os.pread(fh, size, offset)

            def write(self, path, data, offset, fh):
                self.fault('write', path)
                return os.pwrite(fh, data, offset)

        FUSE(Disk(sys.argv[1], sys.argv[3]), sys.argv[2], foreground=True, use_ino=True,
             kernel_cache=True, big_writes=True)
        """
}

/// Takes a file out of the system's memory, so that the next read of it goes to the disk.
func forget(_ path: String) throws {
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    guard descriptor >= 0, fsync(descriptor) == 0,
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0
    else { throw SpawnError(description: "\(path): \(String(cString: strerror(errno)))") }
}
