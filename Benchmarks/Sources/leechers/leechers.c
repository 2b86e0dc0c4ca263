#include "leechers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECEIVE_BYTES = 256 << 10,
    EVENTS_MAX = 256,
    GREETING_BYTES = HANDSHAKE_BYTES + 128 + 5 + 5,
};

static uint8_t received[RECEIVE_BYTES];

static void drop(struct crowd *crowd, struct leecher *leecher) {
    if (leecher->fd < 0) return;
    if (!leecher->is_connected) crowd->half_open--;
    end_tls(leecher);
    close(leecher->fd);
    leecher->fd = -1;
}

static void flush_out(struct crowd *crowd, struct leecher *leecher) {
    if (leecher->out_bytes > 0) {
        bool is_waiting;
        ssize_t sent = put_bytes(leecher, leecher->out, leecher->out_bytes, &is_waiting);
        if (sent < 0 && !is_waiting) {
            drop(crowd, leecher);
            return;
        }
        if (sent > 0) {
            leecher->out_bytes -= (size_t)sent;
            memmove(leecher->out, leecher->out + sent, leecher->out_bytes);
        }
    }
    bool waits = wants_to_send(leecher);
    if (waits == leecher->waits_to_send) return;
    leecher->waits_to_send = waits;
    watch_again(crowd->poll, leecher->fd, EPOLLIN | (waits ? EPOLLOUT : 0), leecher);
}

static void put(struct leecher *leecher, enum message message) {
    uint8_t *bytes = leecher->out + leecher->out_bytes;
    put32(bytes, 1);
    bytes[4] = (uint8_t)message;
    leecher->out_bytes += 5;
}

static struct request next_request(const struct crowd *crowd, struct leecher *leecher) {
    uint32_t rest = piece_length(&crowd->torrent, leecher->next_piece) - leecher->next_begin;
    struct request request = {
        .piece = leecher->next_piece,
        .begin = leecher->next_begin,
        .length = rest < leecher->block ? rest : leecher->block,
    };
    leecher->next_begin += request.length;
    if (request.length == rest) {
        leecher->next_begin = 0;
        leecher->next_piece = (leecher->next_piece + 1) % crowd->torrent.pieces;
    }
    return request;
}

static void ask(struct crowd *crowd, struct leecher *leecher) {
    // Requests that a choke made void may still be unsent.
    size_t most = (size_t)crowd->pipeline * REQUEST_BYTES;
    while (leecher->is_unchoked && leecher->outstanding < leecher->pipeline &&
           leecher->out_bytes < most) {
        put_request(leecher->out + leecher->out_bytes, REQUEST, next_request(crowd, leecher));
        leecher->out_bytes += REQUEST_BYTES;
        leecher->outstanding++;
    }
    flush_out(crowd, leecher);
}

static void dial(struct crowd *crowd, struct leecher *leecher) {
    leecher->dialled = now();
    leecher->had = 0;
    leecher->needed = HANDSHAKE_BYTES;
    leecher->fd = connect_from(address_in(crowd->net, leecher->number), crowd->to);
    if (leecher->fd < 0) return;
    crowd->half_open++;
    begin_tls(crowd, leecher);
    put_handshake(leecher->out, &crowd->torrent, "LC", leecher->number, true);
    leecher->out_bytes = HANDSHAKE_BYTES;
    leecher->waits_to_send = true;
    watch(crowd->poll, leecher->fd, EPOLLIN | EPOLLOUT, leecher);
}

void start_one(struct crowd *crowd) {
    struct leecher *leecher = &crowd->leechers[crowd->started];
    leecher->number = crowd->started++;
    leecher->pipeline = crowd->pipeline;
    // Larger blocks are asked for once the peer says that it takes such requests.
    leecher->block = crowd->block < BLOCK_BYTES ? crowd->block : BLOCK_BYTES;
    // Each begins elsewhere, as leechers that choose by themselves do.
    leecher->next_piece = (uint32_t)leecher->number * 7919u % crowd->torrent.pieces;
    leecher->out = malloc(GREETING_BYTES + (size_t)crowd->pipeline * REQUEST_BYTES);
    if (!leecher->out) fail("no memory");
    dial(crowd, leecher);
}

void dial_again(struct crowd *crowd) {
    double before = now() - 0.1;
    for (int i = 0; i < crowd->started; i++) {
        struct leecher *leecher = &crowd->leechers[i];
        if (leecher->fd < 0 && !leecher->is_connected && leecher->dialled < before) {
            dial(crowd, leecher);
        }
    }
}

// The other side's handshake is in the head.
static void greet(struct crowd *crowd, struct leecher *leecher) {
    if (!is_handshake(leecher->head, &crowd->torrent)) {
        drop(crowd, leecher);
        return;
    }
    leecher->is_connected = true;
    crowd->half_open--;
    leecher->has_fast = has_fast(leecher->head);
    if (leecher->has_fast) put(leecher, HAVE_NONE);
    if (has_extended(leecher->head)) {
        uint32_t max_block = crowd->block > BLOCK_BYTES ? crowd->block : 0;
        leecher->out_bytes +=
            put_extended_handshake(leecher->out + leecher->out_bytes, 500, max_block);
    }
    if (!crowd->is_idle) put(leecher, INTERESTED);
    flush_out(crowd, leecher);
}

static void take_extended_handshake(struct crowd *crowd, struct leecher *leecher) {
    const uint8_t *text = leecher->head + 6;
    size_t count = leecher->needed > 6 ? leecher->needed - 6 : 0;
    long reqq = bencoded_integer(text, count, "4:reqq");
    if (reqq > 0 && reqq < leecher->pipeline) leecher->pipeline = (int)reqq;
    long largest = bencoded_integer(text, count, "11:mt_maxblock");
    if (largest > BLOCK_BYTES && crowd->block > BLOCK_BYTES) {
        leecher->block = largest < (long)crowd->block ? (uint32_t)largest : crowd->block;
    }
}

static void take_message(struct crowd *crowd, struct leecher *leecher) {
    switch (leecher->head[4]) {
    case UNCHOKE:
        leecher->is_unchoked = leecher->was_unchoked = true;
        if (leecher->block < crowd->least_block) crowd->least_block = leecher->block;
        ask(crowd, leecher);
        break;
    case CHOKE:
        leecher->is_unchoked = false;
        if (!leecher->has_fast) leecher->outstanding = 0;
        break;
    case REJECT:
        if (leecher->outstanding > 0) leecher->outstanding--;
        break;
    case EXTENDED:
        if (leecher->head[5] == 0) take_extended_handshake(crowd, leecher);
        break;
    }
}

// The head has what was needed: either more of it is, or it is handled.
static void take_head(struct crowd *crowd, struct leecher *leecher) {
    if (!leecher->is_connected) {
        greet(crowd, leecher);
        leecher->had = 0;
        leecher->needed = 4;
        return;
    }
    uint32_t length = get32(leecher->head);
    if (leecher->needed == 4 && length > 0) {
        leecher->needed = 5;
        return;
    }
    if (leecher->needed == 5 && length > 1) {
        uint32_t whole = leecher->head[4] == PIECE ? PIECE_HEADER_BYTES : 4 + length;
        leecher->needed = whole < HEAD_BYTES ? whole : HEAD_BYTES;
        if (leecher->needed > 5) return;
    }
    if (length > 0) take_message(crowd, leecher);
    leecher->skip = 4 + length - leecher->needed;
    leecher->skips_block = length > 0 && leecher->head[4] == PIECE;
    leecher->had = 0;
    leecher->needed = 4;
}

static void take(struct crowd *crowd, struct leecher *leecher, const uint8_t *bytes, size_t count) {
    while (count > 0 && leecher->fd >= 0) {
        if (leecher->skip > 0) {
            uint32_t part = count < leecher->skip ? (uint32_t)count : leecher->skip;
            leecher->skip -= part;
            bytes += part;
            count -= part;
            if (!leecher->skips_block) continue;
            leecher->bytes += part;
            if (leecher->skip > 0) continue;
            leecher->blocks++;
            if (leecher->outstanding > 0) leecher->outstanding--;
            continue;
        }
        uint32_t missing = leecher->needed - leecher->had;
        uint32_t part = count < missing ? (uint32_t)count : missing;
        memcpy(leecher->head + leecher->had, bytes, part);
        leecher->had += part;
        bytes += part;
        count -= part;
        if (leecher->had == leecher->needed) take_head(crowd, leecher);
    }
}

static void receive(struct crowd *crowd, struct leecher *leecher) {
    do {
        // The rest of a large block is thrown away without being copied (MSG_TRUNC, tcp(7)): the crowd
        // must not be what is measured.
        bool is_large = !leecher->tls && leecher->skip >= RECEIVE_BYTES / 4, is_waiting;
        ssize_t count = is_large ? get_bytes(leecher, NULL, leecher->skip, &is_waiting)
                                 : get_bytes(leecher, received, sizeof received, &is_waiting);
        if (count <= 0) {
            if (is_waiting) break;
            drop(crowd, leecher);
            return;
        }
        take(crowd, leecher, received, (size_t)count);
    } while (leecher->fd >= 0 && has_more(leecher));
    // Also what waited for TLS's handshake.
    if (leecher->fd >= 0) ask(crowd, leecher);
}

void turn(struct crowd *crowd, int milliseconds) {
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(crowd->poll, events, EVENTS_MAX, milliseconds);
    for (int i = 0; i < count; i++) {
        struct leecher *leecher = events[i].data.ptr;
        if (leecher->fd >= 0 && events[i].events & EPOLLOUT) flush_out(crowd, leecher);
        if (leecher->fd >= 0 && events[i].events & ~(uint32_t)EPOLLOUT) receive(crowd, leecher);
    }
}
