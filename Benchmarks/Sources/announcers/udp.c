#define _GNU_SOURCE
#include "announcers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 32, RING = 4096, ANSWER_ROOM = 2048 };

// A request under way, found by the low bits of its transaction.
struct slot {
    uint32_t transaction, peer;
    double sent;
    bool is_waiting;
};

struct batch {
    struct mmsghdr headers[BATCH];
    struct iovec vectors[BATCH];
    uint8_t bytes[BATCH][ANSWER_ROOM];
};

struct run {
    struct load *load;
    struct outcome outcome;
    int fd;
    uint64_t connection;
    uint32_t transaction;
    long waiting;
    struct slot slots[RING];
    struct batch outgoing, incoming;
    // Whom to ask again, and who comes next, while the tracker is being filled.
    uint32_t *again, again_count, next_peer;
};

static void prepare(struct batch *batch) {
    for (int i = 0; i < BATCH; i++) {
        batch->vectors[i] = (struct iovec){batch->bytes[i], ANSWER_ROOM};
        batch->headers[i].msg_hdr = (struct msghdr){.msg_iov = &batch->vectors[i], .msg_iovlen = 1};
    }
}

static int open_socket(struct sockaddr_in to) {
    struct timeval patience = {.tv_usec = 200000};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        fail("connecting: %s", strerror(errno));
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static uint64_t get_connection(int fd) {
    uint8_t request[16] = {0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 1, 2, 3, 4};
    uint8_t answer[64];
    for (int i = 0; i < 100; i++) {
        if (send(fd, request, sizeof request, 0) < 0 && errno != ECONNREFUSED) break;
        ssize_t count = recv(fd, answer, sizeof answer, 0);
        if (count == 16 && get32(answer) == 0 && get32(answer + 4) == 0x01020304) {
            return (uint64_t)get32(answer + 8) << 32 | get32(answer + 12);
        }
        if (count < 0) usleep(20000);
    }
    fail("the tracker gives no connection id");
}

static bool has_more(const struct run *run) {
    return !run->load->fills || run->again_count > 0 ||
           run->next_peer < run->load->population.peer_count;
}

static uint32_t choose_peer(struct run *run) {
    if (!run->load->fills) return some_peer(run->load);
    return run->again_count > 0 ? run->again[--run->again_count] : run->next_peer++;
}

static void put_request_in(struct run *run, int index, double time) {
    uint32_t transaction = run->transaction++;
    struct slot *slot = &run->slots[transaction % RING];
    uint8_t *bytes = run->outgoing.bytes[index];
    *slot = (struct slot){transaction, choose_peer(run), time, true};
    run->waiting++;
    run->outgoing.vectors[index].iov_len =
        run->load->scraped ? put_scrape(bytes, run->load, run->connection, transaction)
                           : put_announce(bytes, run->load, slot->peer, run->connection, transaction);
}

static void send_batch(struct run *run, int count) {
    for (int sent = 0; sent < count;) {
        int result = sendmmsg(run->fd, run->outgoing.headers + sent, (unsigned)(count - sent), 0);
        if (result < 0) fail("sending: %s", strerror(errno));
        sent += result;
    }
}

static void take_answer(struct run *run, const uint8_t *bytes, size_t count, double time) {
    struct slot *slot = &run->slots[get32(bytes + 4) % RING];
    if (count < 8 || !slot->is_waiting || slot->transaction != get32(bytes + 4)) return;
    slot->is_waiting = false;
    run->waiting--;
    if (get32(bytes) != (run->load->scraped ? 2 : 1)) {
        run->outcome.failed++;
        return;
    }
    run->outcome.answered++;
    run->outcome.bytes += count;
    if (run->load->rate > 0) note_latency(&run->outcome, time - slot->sent);
}

// Whether anything came in time.
static bool receive(struct run *run, int flags) {
    int count = recvmmsg(run->fd, run->incoming.headers, BATCH, flags, NULL);
    if (count < 0 && errno == ECONNREFUSED) fail("the tracker has gone");
    double time = run->load->rate > 0 ? now() : 0;
    for (int i = 0; i < count; i++) {
        take_answer(run, run->incoming.bytes[i], run->incoming.headers[i].msg_len, time);
    }
    return count > 0;
}

// Nothing came for long: what is under way is lost.
static void give_up(struct run *run) {
    for (int i = 0; i < RING; i++) {
        struct slot *slot = &run->slots[i];
        if (!slot->is_waiting) continue;
        slot->is_waiting = false;
        run->outcome.lost++;
        if (run->load->fills) run->again[run->again_count++] = slot->peer;
    }
    run->waiting = 0;
}

static void saturate(struct run *run, double end) {
    while (has_more(run) || run->waiting > 0) {
        int count = 0;
        while (count < BATCH && run->waiting < run->load->under_way && has_more(run)) {
            put_request_in(run, count++, 0);
        }
        send_batch(run, count);
        // Answers to what was given up don't count, and have to be read all the same.
        if (!receive(run, MSG_WAITFORONE)) give_up(run);
        if (!run->load->fills && now() >= end) return;
    }
}

// A request at each of its times, whatever became of those before.
static void keep_rate(struct run *run, double start, double end) {
    double interval = 1 / run->load->rate, due = start;
    while (due < end || run->waiting > 0) {
        double time = now();
        int count = 0;
        for (; due <= time && due < end && count < BATCH && run->waiting < RING / 2; due += interval) {
            put_request_in(run, count++, time);
        }
        send_batch(run, count);
        receive(run, MSG_DONTWAIT);
        if (time > end + 0.2) return give_up(run);
        if (run->waiting >= RING / 2) give_up(run);
    }
}

struct outcome announce_over_udp(struct load *load) {
    struct run *run = calloc(1, sizeof *run);
    if (!run) fail("no memory");
    run->load = load;
    if (load->fills) {
        run->again = calloc(RING, sizeof *run->again);
        if (!run->again) fail("no memory");
    }
    run->fd = open_socket(load->to);
    run->connection = get_connection(run->fd);
    prepare(&run->outgoing);
    prepare(&run->incoming);
    double start = now(), cpu = processor_seconds(load->server), own = processor_seconds(getpid());
    if (load->rate > 0) keep_rate(run, start, start + load->seconds);
    else saturate(run, start + load->seconds);
    run->outcome.seconds = now() - start;
    run->outcome.server_cpu = processor_seconds(load->server) - cpu;
    run->outcome.own_cpu = processor_seconds(getpid()) - own;
    struct outcome outcome = run->outcome;
    close(run->fd);
    free(run->again);
    free(run);
    return outcome;
}
