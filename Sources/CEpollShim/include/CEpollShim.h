// The system calls of the event loop that Swift can't make itself: their declarations need
// _GNU_SOURCE, which must not reach a header that Swift imports, their structures are packed, or
// Swift's Glibc module doesn't map their headers. No header of sockets is included here, since
// this module would then claim declarations that Swift looks for in Glibc.
//
// Every function that can fail returns -errno and retries EINTR, epoll_wait(2) apart.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// epoll(7) ---------------------------------------------------------------------------------------

enum {
    shim_epoll_in = 0x001,
    shim_epoll_out = 0x004,
    shim_epoll_error = 0x008,
    shim_epoll_hang_up = 0x010,
};

/// One readiness event, copied out of the kernel's packed `epoll_event`.
typedef struct {
    uint64_t token;
    uint32_t events;
} shim_epoll_event;

typedef struct shim_epoll shim_epoll;

/// An epoll instance with room for `capacity` events a wait; NULL with errno set if it failed.
shim_epoll *shim_epoll_create(int capacity);
void shim_epoll_destroy(shim_epoll *poller);
int shim_epoll_add(shim_epoll *poller, int descriptor, uint32_t events, uint64_t token);
int shim_epoll_modify(shim_epoll *poller, int descriptor, uint32_t events, uint64_t token);
int shim_epoll_remove(shim_epoll *poller, int descriptor);
/// Waits up to `timeout_ms` (-1: for ever); the number of events, 0 also when a signal interrupted.
int shim_epoll_wait(shim_epoll *poller, int timeout_ms);
/// The `index`-th event of the last wait.
shim_epoll_event shim_epoll_event_at(const shim_epoll *poller, int index);

// Descriptors ------------------------------------------------------------------------------------

/// accept4(2): the new socket is nonblocking and close-on-exec. `address` is a sockaddr_storage.
int shim_accept(int listener, void *address);
/// A nonblocking, close-on-exec eventfd(2).
int shim_eventfd(void);
/// A nonblocking, close-on-exec signalfd(2) for `count` signals.
int shim_signalfd(const int *signals, size_t count);
/// The number of the next signal, or -EAGAIN.
int shim_signalfd_read(int descriptor);

// Frames -----------------------------------------------------------------------------------------

/// Ranges of one length that follow each other in a file, each to be sent after a header of its own.
typedef struct {
    /// `header_length` bytes for each range, which may be none, one after the other.
    const void *headers;
    size_t header_length;
    int file;
    /// Of the first range.
    int64_t offset;
    size_t range_length;
    /// How much of the first header and range is sent already.
    size_t position;
} shim_frames;

typedef enum {
    shim_frames_all_sent,
    /// The socket takes no more, or has failed.
    shim_frames_socket_error,
    shim_frames_file_error,
    shim_frames_file_ended,
} shim_frames_outcome;

/// What came of sending: bytes that went, and for an error its number.
typedef struct {
    size_t sent;
    shim_frames_outcome outcome;
    int error;
} shim_frames_result;

/// Sends from a file what sendfile(2) would, and answers like it.
typedef ssize_t (*shim_file_sender)(void *user, int file, off_t offset, size_t count);

/// Sends `length` bytes of frames and no more: headers by send(2) with MSG_MORE, ranges by
/// `send_file`, or by sendfile(2) where that is NULL.
shim_frames_result shim_send_frames(int socket, const shim_frames *frames, size_t length,
                                    shim_file_sender send_file, void *user);
/// Copies `length` bytes of frames to `bytes`, all ranges by one preadv(2) where they are few enough.
/// `sent` is of no meaning where the outcome isn't that all is there.
shim_frames_result shim_read_frames(const shim_frames *frames, size_t length, void *bytes);

// Datagrams --------------------------------------------------------------------------------------

typedef struct shim_datagrams shim_datagrams;

/// Room for `count` datagrams of up to `size` bytes each and their addresses; NULL: no memory.
shim_datagrams *shim_datagrams_create(unsigned count, size_t size);
void shim_datagrams_destroy(shim_datagrams *batch);
/// recvmmsg(2) into the batch, without waiting: how many came, or -errno.
int shim_datagrams_receive(shim_datagrams *batch, int descriptor);
/// sendmmsg(2) of `count` slots from `first` on: how many went, or -errno (of the first of them).
int shim_datagrams_send(shim_datagrams *batch, int descriptor, unsigned first, unsigned count);
/// The bytes of slot `index`, of the batch's size.
void *shim_datagrams_bytes(shim_datagrams *batch, unsigned index);
/// How many bytes slot `index` holds.
size_t shim_datagrams_length(const shim_datagrams *batch, unsigned index);
/// Whether the datagram received in slot `index` was longer than the batch's size.
int shim_datagrams_is_truncated(const shim_datagrams *batch, unsigned index);
/// The address slot `index` came from, a sockaddr.
const void *shim_datagrams_address(const shim_datagrams *batch, unsigned index);
/// Makes slot `index` a datagram of `length` bytes to `address`, a sockaddr.
void shim_datagrams_set(shim_datagrams *batch, unsigned index, size_t length,
                        const void *address, uint32_t address_length);

// Files ------------------------------------------------------------------------------------------

/// openat2(2) below `directory`: nothing in `path` leads out of it, no symbolic link is followed.
/// Close-on-exec; `mode` is for O_CREAT. A descriptor, or -errno.
int shim_open_beneath(int directory, const char *path, int flags, unsigned mode);
/// What it does where there is no openat2: opens one component after the other, refusing `..` too.
int shim_open_beneath_by_steps(int directory, const char *path, int flags, unsigned mode);
/// renameat2(2) that replaces nothing: -EEXIST where `to` is there, -EINVAL where the file system
/// can't do it in one step. Either directory may be AT_FDCWD.
int shim_rename_new(int from_directory, const char *from, int to_directory, const char *to);
/// Gives a file its length with the space behind it, fallocate(2); never shortens it.
int shim_allocate(int descriptor, int64_t length);
/// Whether every page of a range of a file is in the page cache, asked of cachestat(2) (Linux 6.5),
/// else of preadv2(2) with RWF_NOWAIT: 1, 0, or -EOPNOTSUPP where neither can tell.
int shim_is_cached(int descriptor, int64_t offset, int64_t length);
/// Whether a file has no disk behind it: tmpfs(5), memfd_create(2). By its seals, which no other
/// files have.
int shim_is_memory(int descriptor);
/// syncfs(2) of the file system that the descriptor is on.
int shim_sync_file_system(int descriptor);

// Errors -----------------------------------------------------------------------------------------

/// "ECONNREFUSED", or NULL for a number that isn't an error. A static string, safe in any thread.
const char *shim_error_name(int error);
/// "Connection refused", likewise.
const char *shim_error_text(int error);
