#define _GNU_SOURCE
#include "CEpollShim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

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
    return descriptor < 0 ? -errno : (int)descriptor;
}

int shim_rename_new(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

int shim_allocate(int descriptor, int64_t length) {
    int result;
    do {
        result = fallocate(descriptor, 0, 0, length);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

int shim_sync_file_system(int descriptor) {
    return syncfs(descriptor) < 0 ? -errno : 0;
}
