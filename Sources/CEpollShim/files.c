#define _GNU_SOURCE
#include "CEpollShim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// Not in the headers of older kernels.
enum { cachestat_number = 451 };
struct cachestat_range {
    uint64_t offset;
    uint64_t length;
};
struct cachestat_counts {
    uint64_t cached;
    uint64_t dirty;
    uint64_t writeback;
    uint64_t evicted;
    uint64_t recently_evicted;
};

// Opens one component, which must not be a symbolic link.
static int open_component(int directory, const char *name, int flags, unsigned mode) {
    int descriptor;
    do {
        descriptor = openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor >= 0) return descriptor;
    int error = errno;
    struct stat status;
    // With O_DIRECTORY a link is no directory, where openat2 says that it is a link.
    if (error == ENOTDIR && fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(status.st_mode)) {
        error = ELOOP;
    }
    return -error;
}

int shim_open_beneath_by_steps(int directory, const char *path, int flags, unsigned mode) {
    if (*path == '/') return -EXDEV;
    if (*path == 0) return -ENOENT;
    int current = directory;
    int result;
    for (;;) {
        char name[NAME_MAX + 1];
        size_t length = strcspn(path, "/");
        const char *rest = path + length;
        int is_last = rest[strspn(rest, "/")] == 0;
        if (length > NAME_MAX) {
            result = -ENAMETOOLONG;
            break;
        }
        memcpy(name, path, length);
        name[length] = 0;
        if (strcmp(name, "..") == 0) {
            result = -EXDEV;
            break;
        }
        if (is_last) {
            // A slash behind the last name is for directories alone.
            result = *rest == 0         ? open_component(current, name, flags, mode)
                     : flags & O_CREAT ? -EISDIR
                                       : open_component(current, name, flags | O_DIRECTORY, 0);
            break;
        }
        result = open_component(current, name, O_PATH | O_DIRECTORY, 0);
        if (result < 0) break;
        if (current != directory) close(current);
        current = result;
        path = rest + strspn(rest, "/");
    }
    if (current != directory) close(current);
    return result;
}

int shim_open_beneath(int directory, const char *path, int flags, unsigned mode) {
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    long descriptor;
    // EAGAIN: something was renamed or mounted meanwhile, and it can't tell whether all is well.
    do {
        descriptor = syscall(SYS_openat2, directory, path, &how, sizeof how);
    } while (descriptor < 0 && (errno == EINTR || errno == EAGAIN));
    if (descriptor >= 0) return (int)descriptor;
    // A kernel before 5.6; or a filter that can't see the flags behind a pointer, such as that of
    // systemd's RestrictSUIDSGID=.
    if (errno == ENOSYS) return shim_open_beneath_by_steps(directory, path, flags, mode);
    return -errno;
}

int shim_rename_new(int from_directory, const char *from, int to_directory, const char *to) {
    return renameat2(from_directory, from, to_directory, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

int shim_allocate(int descriptor, int64_t length) {
    int result;
    do {
        result = fallocate(descriptor, 0, 0, length);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

// A byte in every 64 KiB stands for its neighbours: what is read in and what is evicted are mostly
// longer stretches.
static int is_cached_by_reading(int descriptor, int64_t offset, int64_t length) {
    const int64_t step = 64 << 10;
    char byte;
    struct iovec vector = {&byte, 1};
    for (int64_t position = offset; position < offset + length; position += step) {
        ssize_t count;
        do {
            count = preadv2(descriptor, &vector, 1, position, RWF_NOWAIT);
        } while (count < 0 && errno == EINTR);
        if (count < 0) return errno == EAGAIN ? 0 : -EOPNOTSUPP;
    }
    return 1;
}

int shim_is_cached(int descriptor, int64_t offset, int64_t length) {
    int64_t page = sysconf(_SC_PAGESIZE);
    struct cachestat_range range = {(uint64_t)offset, (uint64_t)length};
    struct cachestat_counts counts;
    if (length <= 0) return 1;
    // Refused where the file belongs to somebody else, unknown to older kernels.
    if (syscall(cachestat_number, descriptor, &range, &counts, 0) < 0) {
        return is_cached_by_reading(descriptor, offset, length);
    }
    int64_t pages = (offset + length - 1) / page - offset / page + 1;
    return counts.cached >= (uint64_t)pages;
}

int shim_is_memory(int descriptor) { return fcntl(descriptor, F_GET_SEALS) >= 0; }

int shim_sync_file_system(int descriptor) {
    return syncfs(descriptor) < 0 ? -errno : 0;
}
