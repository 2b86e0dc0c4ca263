#ifndef SHARERS_H
#define SHARERS_H

#include "CLoad.h"

enum {
    // Requests that one connection may have waiting. rtorrent has thousands under way, whatever
    // `reqq` says.
    QUEUE_MAX = 16384,
    REQQ = 2000,
    INPUT_BYTES = 32 << 10,
    GREETING_MAX = 64 << 10,
};

struct waiting {
    struct request request;
    double due; // not to be answered earlier
};

// A connection of one sharer.
struct connection {
    int fd;
    int sharer;
    bool said_hello, got_hello;
    bool is_unchoked;
    bool waits_to_send;
    struct connection *next; // of all that are open

    uint8_t input[INPUT_BYTES];
    size_t had;

    // Handshake, bitfield and the like, before and between blocks.
    uint8_t *control;
    size_t control_bytes;

    struct waiting queue[QUEUE_MAX]; // a ring
    unsigned first, queued;
    uint64_t sent_of_first; // bytes of the first message, header included
};

struct sharer {
    int listener;
    uint64_t bytes; // of blocks, sent
    double allowance; // bytes that may go now, where there is a rate
};

struct crowd {
    struct torrent torrent;
    const uint8_t *content;
    int content_fd;
    int count;
    uint32_t max_block;
    double rate;  // bytes a second of each sharer; 0: no limit
    double delay; // seconds from a request to its answer
    bool with_sendfile;
    int gather; // blocks in one call at most
    int poll;
    struct sharer *sharers;
    struct connection *connections;
    double first_request, last_block;
};

// Opens a connection that has been accepted or begun by us.
void begin(struct crowd *crowd, int sharer, int fd, bool speaks_first);
void close_connection(struct crowd *crowd, struct connection *connection);

// Sends what is due and allowed, until the socket is full.
void answer(struct crowd *crowd, struct connection *connection);
// What has come.
void receive(struct crowd *crowd, struct connection *connection);

#endif
