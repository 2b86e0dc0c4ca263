// What the load generators share: the bytes of the peer protocol and the calls around sockets.
#ifndef CLOAD_H
#define CLOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

// Messages of BEP 3, 6 and 10.
enum message {
    CHOKE = 0,
    UNCHOKE = 1,
    INTERESTED = 2,
    HAVE = 4,
    BITFIELD = 5,
    REQUEST = 6,
    PIECE = 7,
    CANCEL = 8,
    HAVE_ALL = 14,
    HAVE_NONE = 15,
    REJECT = 16,
    EXTENDED = 20,
};

enum {
    HANDSHAKE_BYTES = 68,
    // Length, id, piece, begin; the block follows.
    PIECE_HEADER_BYTES = 13,
    REQUEST_BYTES = 17,
    BLOCK_BYTES = 16384,
};

// What is transferred.
struct torrent {
    uint8_t info_hash[20];
    uint64_t bytes;
    uint32_t piece_bytes;
    uint32_t pieces;
};

struct request {
    uint32_t piece;
    uint32_t begin;
    uint32_t length;
};

uint32_t get32(const uint8_t *bytes);
void put32(uint8_t *bytes, uint32_t value);

// From `40 hex digits`, bytes and bytes of a piece; ends the program when they make no sense.
struct torrent torrent_of(const char *hex, uint64_t bytes, uint32_t piece_bytes);
uint32_t piece_length(const struct torrent *torrent, uint32_t piece);

// The extension bit (BEP 10) is always set, the fast one (BEP 6) if wanted. The peer id is `-XX0001-`
// with the two letters given and the number.
void put_handshake(uint8_t *bytes, const struct torrent *torrent, const char *letters, int number,
                   bool fast);
bool is_handshake(const uint8_t *bytes, const struct torrent *torrent);
bool has_fast(const uint8_t *handshake);
bool has_extended(const uint8_t *handshake);

// The extension handshake as a whole message. `max_block` 0 leaves `mt_maxblock` out, the key by which
// blocks of more than 16 KiB are agreed on. Gives the bytes put, at most 128.
size_t put_extended_handshake(uint8_t *bytes, int reqq, uint32_t max_block);
// The integer of a key such as `4:reqq` in bencoded text; -1 where there is none.
long bencoded_integer(const uint8_t *text, size_t count, const char *key);

// A message with a request's payload.
void put_request(uint8_t *bytes, enum message message, struct request request);
void put_piece_header(uint8_t *bytes, struct request request);

// Seconds of the monotonic clock, which is the same for all programs of this machine.
double now(void);
// Processor seconds of another process so far, all threads; 0 for pid 0.
double processor_seconds(pid_t pid);
// A line of `/proc/PID/status` such as `VmHWM` in bytes; 0 where there is none.
long memory_of(pid_t pid, const char *key);

// `IP:PORT`; ends the program when it isn't one.
struct sockaddr_in address_of(const char *text);
// The address of number `index` of a crowd: 127.0.0.1 for all, or one of 127.net.0.0/16 for each.
struct in_addr address_in(int net, int index);
// Begins to connect from `source`, without blocking.
int connect_from(struct in_addr source, struct sockaddr_in to);
int listen_at(struct sockaddr_in address);
int accept_at(int listener);

int new_poll(void);
void watch(int poll, int fd, uint32_t events, void *data);
void watch_again(int poll, int fd, uint32_t events, void *data);

// A file mapped for reading; ends the program when that can't be.
const uint8_t *map_file(const char *path, uint64_t bytes, int *fd);

// Raises the limit of open files as far as it goes.
void allow_many_files(void);

enum option_kind { NUMBER, REAL, TEXT, FLAG };

// `--name VALUE`, or `--name` alone for a flag.
struct program_option {
    const char *name;
    enum option_kind kind;
    // To a long, a double, a const char * or a bool, which holds the value when it isn't given.
    void *value;
};

// Ends the program at anything that isn't in the table.
void read_options(int argc, char **argv, const struct program_option *table, size_t count);

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
