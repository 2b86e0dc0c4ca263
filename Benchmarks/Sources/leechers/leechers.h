#ifndef LEECHERS_H
#define LEECHERS_H

#include "CLoad.h"

#include <openssl/types.h>

// The most that is kept of a message; of longer ones the rest is passed over.
enum { HEAD_BYTES = 1024 };

struct leecher {
    int fd;   // -1 once closed
    SSL *tls; // NULL: it speaks without
    int number;
    double dialled;
    bool is_connected; // the other side's handshake has come
    bool is_unchoked, was_unchoked;
    bool has_fast; // both sides: a choke refuses each request by itself (BEP 6)
    bool waits_to_send;
    int pipeline;   // the smaller of ours and the peer's `reqq`
    uint32_t block; // bytes of a request

    // What is coming: a head of `needed` bytes, of which `had` are here, then `skip` bytes.
    uint32_t needed, had, skip;
    bool skips_block;
    uint8_t head[HEAD_BYTES];

    uint32_t next_piece, next_begin;
    int outstanding;
    uint8_t *out; // what the socket didn't take yet
    size_t out_bytes;

    uint64_t bytes; // of blocks
    uint64_t blocks;
};

struct crowd {
    struct torrent torrent;
    struct sockaddr_in to;
    SSL_CTX *tls; // NULL: leechers speak without
    const char *server_name;
    int net;
    int count, started, half_open;
    uint32_t block, least_block;
    int pipeline;
    bool is_idle;
    int poll;
    struct leecher *leechers;
};

// What leechers of a sealed group show: the certificate and key in a file. Ends the program where they
// are none.
SSL_CTX *tls_with(const char *certificate);
// Has a leecher that is being connected speak TLS.
void begin_tls(struct crowd *crowd, struct leecher *leecher);
void end_tls(struct leecher *leecher);
// As send(2) and recv(2) do, with or without TLS: how much, or 0 or less, which `is_waiting` tells from the
// end. Without TLS, bytes that nobody wants are received to NULL.
ssize_t put_bytes(struct leecher *leecher, const void *bytes, size_t count, bool *is_waiting);
ssize_t get_bytes(struct leecher *leecher, void *bytes, size_t count, bool *is_waiting);
// Whether more has been received than was taken.
bool has_more(const struct leecher *leecher);
// Whether it is TLS that has to be sent before anything else goes on.
bool wants_to_send(const struct leecher *leecher);

// Connects the next leecher.
void start_one(struct crowd *crowd);
// Dials again for those that weren't answered by a handshake: the server may not be there yet.
void dial_again(struct crowd *crowd);
// Waits for events, at most so long, and handles them.
void turn(struct crowd *crowd, int milliseconds);

#endif
