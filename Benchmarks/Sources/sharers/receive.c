#include "sharers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void close_connection(struct crowd *crowd, struct connection *connection) {
    close(connection->fd);
    connection->fd = -1; // freed by who walks the list
    (void)crowd;
}

static void put_control(struct connection *connection, const void *bytes, size_t count) {
    if (connection->control_bytes + count > GREETING_MAX) fail("a peer that reads nothing");
    memcpy(connection->control + connection->control_bytes, bytes, count);
    connection->control_bytes += count;
}

static void say_hello(struct crowd *crowd, struct connection *connection) {
    uint8_t handshake[HANDSHAKE_BYTES];
    put_handshake(handshake, &crowd->torrent, "SH", connection->sharer, true);
    put_control(connection, handshake, sizeof handshake);
    connection->said_hello = true;
}

void begin(struct crowd *crowd, int sharer, int fd, bool speaks_first) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) fail("no memory");
    connection->control = malloc(GREETING_MAX);
    if (!connection->control) fail("no memory");
    connection->fd = fd;
    connection->sharer = sharer;
    connection->next = crowd->connections;
    crowd->connections = connection;
    if (speaks_first) say_hello(crowd, connection);
    connection->waits_to_send = speaks_first;
    watch(crowd->poll, fd, EPOLLIN | (speaks_first ? EPOLLOUT : 0), connection);
}

static void put_bitfield(struct crowd *crowd, struct connection *connection) {
    uint32_t count = (crowd->torrent.pieces + 7) / 8, spare = count * 8 - crowd->torrent.pieces;
    uint8_t *message = calloc(1, 5 + count);
    if (!message) fail("no memory");
    put32(message, 1 + count);
    message[4] = BITFIELD;
    memset(message + 5, 0xff, count);
    message[4 + count] = (uint8_t)(0xff << spare);
    put_control(connection, message, 5 + count);
    free(message);
}

// The other side's handshake: answered, and followed by what this sharer has: everything.
static bool greet(struct crowd *crowd, struct connection *connection, const uint8_t *handshake) {
    uint8_t message[128];
    if (!is_handshake(handshake, &crowd->torrent)) return false;
    connection->got_hello = true;
    if (!connection->said_hello) say_hello(crowd, connection);
    if (has_fast(handshake)) {
        put_control(connection, (uint8_t[]){0, 0, 0, 1, HAVE_ALL}, 5);
    } else {
        put_bitfield(crowd, connection);
    }
    if (has_extended(handshake)) {
        put_control(connection, message,
                    put_extended_handshake(message, REQQ, crowd->max_block));
    }
    return true;
}

static bool enqueue(struct crowd *crowd, struct connection *connection, const uint8_t *payload) {
    struct request request = {get32(payload), get32(payload + 4), get32(payload + 8)};
    uint32_t limit = crowd->max_block > BLOCK_BYTES ? crowd->max_block : 8 * BLOCK_BYTES;
    if (request.piece >= crowd->torrent.pieces || request.length == 0 || request.length > limit ||
        (uint64_t)request.begin + request.length > piece_length(&crowd->torrent, request.piece) ||
        connection->queued == QUEUE_MAX) {
        fprintf(stderr, "request of %u+%u in piece %u refused, %u waiting\n", request.begin,
                request.length, request.piece, connection->queued);
        return false;
    }
    double time = now();
    if (crowd->first_request == 0) {
        crowd->first_request = time;
        printf("{\"first_request\":%.6f}\n", time);
        fflush(stdout);
    }
    connection->queue[(connection->first + connection->queued) % QUEUE_MAX] =
        (struct waiting){request, time + crowd->delay};
    connection->queued++;
    return true;
}

// Takes the request out, unless a part of it has gone.
static void cancel(struct connection *connection, const uint8_t *payload) {
    unsigned kept = connection->sent_of_first > 0 ? 1 : 0;
    for (unsigned i = kept; i < connection->queued; i++) {
        struct waiting entry = connection->queue[(connection->first + i) % QUEUE_MAX];
        if (entry.request.piece == get32(payload) && entry.request.begin == get32(payload + 4) &&
            entry.request.length == get32(payload + 8)) {
            continue;
        }
        connection->queue[(connection->first + kept++) % QUEUE_MAX] = entry;
    }
    connection->queued = kept < connection->queued ? kept : connection->queued;
}

static bool take_message(struct crowd *crowd, struct connection *connection, const uint8_t *message,
                         uint32_t length) {
    if (length == 0) return true;
    switch (message[0]) {
    case INTERESTED:
        if (!connection->is_unchoked) {
            put_control(connection, (uint8_t[]){0, 0, 0, 1, UNCHOKE}, 5);
        }
        connection->is_unchoked = true;
        return true;
    case REQUEST:
        return length == 13 && connection->is_unchoked && enqueue(crowd, connection, message + 1);
    case CANCEL:
        if (length == 13) cancel(connection, message + 1);
        return length == 13;
    default:
        return true;
    }
}

// Takes whole messages from the input; false for what no peer should send.
static bool take_input(struct crowd *crowd, struct connection *connection) {
    size_t taken = 0;
    bool is_good = true;
    while (is_good) {
        const uint8_t *next = connection->input + taken;
        size_t rest = connection->had - taken;
        if (!connection->got_hello) {
            if (rest < HANDSHAKE_BYTES) break;
            is_good = greet(crowd, connection, next);
            taken += HANDSHAKE_BYTES;
            continue;
        }
        if (rest < 4) break;
        uint32_t length = get32(next);
        if (length > INPUT_BYTES - 4) return false;
        if (rest < 4 + length) break;
        is_good = take_message(crowd, connection, next + 4, length);
        taken += 4 + length;
    }
    connection->had -= taken;
    memmove(connection->input, connection->input + taken, connection->had);
    return is_good;
}

void receive(struct crowd *crowd, struct connection *connection) {
    ssize_t count = recv(connection->fd, connection->input + connection->had,
                         INPUT_BYTES - connection->had, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count > 0) connection->had += (size_t)count;
    if (count <= 0 || !take_input(crowd, connection)) close_connection(crowd, connection);
}
