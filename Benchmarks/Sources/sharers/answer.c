#include "sharers.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { GATHER_MAX = 64 };

static struct waiting *queued(struct connection *connection, unsigned index) {
    return &connection->queue[(connection->first + index) % QUEUE_MAX];
}

static uint64_t offset_of(const struct crowd *crowd, struct request request) {
    return (uint64_t)request.piece * crowd->torrent.piece_bytes + request.begin;
}

// How many of the waiting requests may be answered now in one call.
static unsigned ready(const struct crowd *crowd, struct connection *connection) {
    unsigned most = crowd->gather < GATHER_MAX ? (unsigned)crowd->gather : GATHER_MAX;
    if (connection->queued < most) most = connection->queued;
    if (crowd->delay == 0 && crowd->rate == 0) return most;
    double time = now(), allowance = crowd->sharers[connection->sharer].allowance;
    unsigned count = 0;
    while (count < most && queued(connection, count)->due <= time) {
        if (crowd->rate > 0 && allowance <= 0) break;
        allowance -= queued(connection, count)->request.length;
        count++;
    }
    return count;
}

// That many bytes of the first messages have gone.
static void account(struct crowd *crowd, struct connection *connection, uint64_t bytes) {
    struct sharer *sharer = &crowd->sharers[connection->sharer];
    connection->sent_of_first += bytes;
    while (connection->queued > 0) {
        uint32_t length = queued(connection, 0)->request.length;
        if (connection->sent_of_first < PIECE_HEADER_BYTES + (uint64_t)length) break;
        connection->sent_of_first -= PIECE_HEADER_BYTES + length;
        connection->first = (connection->first + 1) % QUEUE_MAX;
        connection->queued--;
        sharer->bytes += length;
        sharer->allowance -= length;
        crowd->last_block = now();
    }
    if (connection->queued == 0) connection->first = 0;
}

// Headers and mapped blocks of all that is ready, in one call.
static ssize_t send_gathered(struct crowd *crowd, struct connection *connection, unsigned count) {
    uint8_t headers[GATHER_MAX][PIECE_HEADER_BYTES];
    struct iovec parts[2 * GATHER_MAX], *part = parts;
    for (unsigned i = 0; i < count; i++) {
        struct request request = queued(connection, i)->request;
        put_piece_header(headers[i], request);
        *part++ = (struct iovec){headers[i], PIECE_HEADER_BYTES};
        void *block = (void *)(crowd->content + offset_of(crowd, request));
        *part++ = (struct iovec){block, request.length};
    }
    uint64_t gone = connection->sent_of_first;
    struct iovec *from = parts;
    while (gone > 0 && gone >= from->iov_len) gone -= from++->iov_len;
    from->iov_base = (uint8_t *)from->iov_base + gone;
    from->iov_len -= gone;
    struct msghdr message = {.msg_iov = from, .msg_iovlen = (size_t)(part - from)};
    return sendmsg(connection->fd, &message, MSG_NOSIGNAL);
}

// The header, with MSG_MORE, or a part of the block, by sendfile(2).
static ssize_t send_by_file(struct crowd *crowd, struct connection *connection) {
    struct request request = queued(connection, 0)->request;
    uint64_t gone = connection->sent_of_first;
    if (gone < PIECE_HEADER_BYTES) {
        uint8_t header[PIECE_HEADER_BYTES];
        put_piece_header(header, request);
        return send(connection->fd, header + gone, PIECE_HEADER_BYTES - gone,
                    MSG_NOSIGNAL | MSG_MORE);
    }
    gone -= PIECE_HEADER_BYTES;
    off_t offset = (off_t)(offset_of(crowd, request) + gone);
    return sendfile(connection->fd, crowd->content_fd, &offset, request.length - gone);
}

static void wait_to_send(struct crowd *crowd, struct connection *connection, bool waits) {
    if (waits == connection->waits_to_send) return;
    connection->waits_to_send = waits;
    watch_again(crowd->poll, connection->fd, EPOLLIN | (waits ? EPOLLOUT : 0), connection);
}

// False when the socket is full; the connection may be closed afterwards.
static bool has_sent(struct crowd *crowd, struct connection *connection, ssize_t count) {
    if (count >= 0) return true;
    if (errno == EINTR) return true;
    if (errno == EAGAIN) {
        wait_to_send(crowd, connection, true);
    } else {
        close_connection(crowd, connection);
    }
    return false;
}

static bool send_control(struct crowd *crowd, struct connection *connection) {
    while (connection->control_bytes > 0) {
        ssize_t count =
            send(connection->fd, connection->control, connection->control_bytes, MSG_NOSIGNAL);
        if (!has_sent(crowd, connection, count)) return false;
        if (count < 0) continue;
        connection->control_bytes -= (size_t)count;
        memmove(connection->control, connection->control + count, connection->control_bytes);
    }
    return true;
}

// Sends what is ready; false when the socket is full or the connection is gone.
static bool send_ready(struct crowd *crowd, struct connection *connection) {
    while (true) {
        // Nothing may come between the parts of a message.
        if (connection->sent_of_first == 0 && !send_control(crowd, connection)) return false;
        unsigned count = ready(crowd, connection);
        if (count == 0) return true;
        ssize_t sent = crowd->with_sendfile ? send_by_file(crowd, connection)
                                            : send_gathered(crowd, connection, count);
        if (!has_sent(crowd, connection, sent)) return false;
        if (sent > 0) account(crowd, connection, (uint64_t)sent);
    }
}

// Corked, a block's end and the next one's header share a segment (tcp(7)).
static void cork(const struct connection *connection, int is_corked) {
    setsockopt(connection->fd, IPPROTO_TCP, TCP_CORK, &is_corked, sizeof is_corked);
}

void answer(struct crowd *crowd, struct connection *connection) {
    bool corks = crowd->with_sendfile && crowd->gather > 1;
    if (corks) cork(connection, 1);
    bool is_done = send_ready(crowd, connection);
    if (corks && connection->fd >= 0) cork(connection, 0);
    if (is_done) wait_to_send(crowd, connection, false);
}
