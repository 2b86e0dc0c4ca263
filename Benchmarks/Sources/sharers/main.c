// A crowd of sharers on one thread, each with a port and a peer id of its own, that serve a file
// from memory. One sharer is the limit that other servers are compared with: a minimal server that
// answers all waiting requests of a peer together, by gathered writes from a mapping or by corked
// sendfile(2). Prints the time of the first request, and at the end of its input what was sent.
#include "sharers.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 256,
    // Sharers that dial have an address each, 127.66.0.0/16: some clients take one peer of an address.
    DIALLING_NET = 66,
};

static void listen_all(struct crowd *crowd, struct sockaddr_in first) {
    for (int i = 0; i < crowd->count; i++) {
        struct sockaddr_in address = first;
        address.sin_port = htons((uint16_t)(ntohs(first.sin_port) + i));
        crowd->sharers[i].listener = listen_at(address);
        // The low bit tells a listener from a connection, whose address is even.
        watch(crowd->poll, crowd->sharers[i].listener, EPOLLIN,
              (void *)((uintptr_t)i << 1 | 1));
    }
}

static void forget_closed(struct crowd *crowd) {
    struct connection **link = &crowd->connections;
    while (*link) {
        struct connection *connection = *link;
        if (connection->fd >= 0) {
            link = &connection->next;
            continue;
        }
        *link = connection->next;
        free(connection->control);
        free(connection);
    }
}

// Each sharer that isn't connected dials the downloader, which may not be there yet.
static void dial(struct crowd *crowd, struct sockaddr_in to) {
    for (int i = 0; i < crowd->count; i++) {
        bool is_connected = false;
        for (struct connection *each = crowd->connections; each; each = each->next) {
            is_connected = is_connected || each->sharer == i;
        }
        if (is_connected) continue;
        int fd = connect_from(address_in(DIALLING_NET, i), to);
        if (fd >= 0) begin(crowd, i, fd, true);
    }
}

static void handle(struct crowd *crowd, const struct epoll_event *event, bool *input_ended) {
    uintptr_t mark = (uintptr_t)event->data.ptr;
    if (mark == 0) {
        char rest[64];
        *input_ended = read(STDIN_FILENO, rest, sizeof rest) <= 0;
        return;
    }
    if (mark & 1) {
        int sharer = (int)(mark >> 1), fd;
        while ((fd = accept_at(crowd->sharers[sharer].listener)) >= 0) {
            begin(crowd, sharer, fd, false);
        }
        return;
    }
    struct connection *connection = event->data.ptr;
    if (connection->fd >= 0 && event->events & ~(uint32_t)EPOLLOUT) receive(crowd, connection);
    if (connection->fd >= 0) answer(crowd, connection);
}

// What comes with time: allowance, delayed answers.
static void tick(struct crowd *crowd, double elapsed) {
    for (int i = 0; i < crowd->count; i++) {
        double allowance = crowd->sharers[i].allowance + crowd->rate * elapsed;
        // A tenth of a second's worth may pile up.
        double most = crowd->rate / 10;
        crowd->sharers[i].allowance = allowance < most ? allowance : most;
    }
    for (struct connection *each = crowd->connections; each; each = each->next) {
        if (each->fd >= 0 && each->queued > 0 && !each->waits_to_send) answer(crowd, each);
    }
}

static void run(struct crowd *crowd, const struct sockaddr_in *dialled) {
    bool is_timed = crowd->rate > 0 || crowd->delay > 0, input_ended = false;
    double last_tick = now(), last_dial = 0;
    watch(crowd->poll, STDIN_FILENO, EPOLLIN, NULL);
    while (!input_ended) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(crowd->poll, events, EVENTS_MAX, is_timed ? 1 : 100);
        for (int i = 0; i < count; i++) handle(crowd, &events[i], &input_ended);
        double time = now();
        if (is_timed) {
            tick(crowd, time - last_tick);
            last_tick = time;
        }
        forget_closed(crowd);
        if (dialled && time - last_dial > 0.1) {
            dial(crowd, *dialled);
            last_dial = time;
        }
    }
}

static void report(const struct crowd *crowd) {
    uint64_t total = 0;
    printf("{\"bytes_of_each\":[");
    for (int i = 0; i < crowd->count; i++) {
        total += crowd->sharers[i].bytes;
        printf("%s%llu", i ? "," : "", (unsigned long long)crowd->sharers[i].bytes);
    }
    printf("],\"bytes\":%llu,\"first_request\":%.6f,\"last_block\":%.6f,\"own_cpu\":%.4f}\n",
           (unsigned long long)total, crowd->first_request, crowd->last_block,
           processor_seconds(getpid()));
}

int main(int argc, char **argv) {
    const char *listen = NULL, *connect = NULL, *file = NULL, *info_hash = NULL;
    long bytes = 0, piece = 0, count = 1, max_block = 0, gather = 64;
    double rate = 0, delay = 0;
    bool with_sendfile = false;
    const struct program_option options[] = {
        {"listen", TEXT, &listen},         // IP:PORT of the first; the others follow
        {"connect", TEXT, &connect},       // dial this downloader instead of waiting for it
        {"file", TEXT, &file},             // what is shared
        {"info-hash", TEXT, &info_hash},
        {"bytes", NUMBER, &bytes},         // of the file
        {"piece", NUMBER, &piece},         // bytes
        {"count", NUMBER, &count},         // sharers
        {"rate", REAL, &rate},             // bytes a second of each; 0: no limit
        {"delay", REAL, &delay},           // seconds from request to answer
        {"max-block", NUMBER, &max_block}, // `mt_maxblock`, where blocks may be over 16 KiB
        {"gather", NUMBER, &gather},       // blocks in one call, up to 64; 1: block by block
        {"sendfile", FLAG, &with_sendfile}, // instead of gathered writes; corked, unless one by one
    };
    read_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (count < 1 || gather < 1 || max_block < 0 || rate < 0 || delay < 0) fail("out of range");
    signal(SIGPIPE, SIG_IGN); // by sendfile(2), which takes no flags
    allow_many_files();
    struct crowd crowd = {
        .torrent = torrent_of(info_hash, (uint64_t)bytes, (uint32_t)piece),
        .count = (int)count,
        .max_block = (uint32_t)max_block,
        .rate = rate,
        .delay = delay,
        .with_sendfile = with_sendfile,
        .gather = (int)gather,
        .poll = new_poll(),
        .sharers = calloc((size_t)count, sizeof(struct sharer)),
    };
    if (!crowd.sharers) fail("no memory");
    crowd.content = map_file(file, crowd.torrent.bytes, &crowd.content_fd);
    struct sockaddr_in dialled;
    if (connect) dialled = address_of(connect);
    if (!connect) listen_all(&crowd, address_of(listen));
    puts("{\"ready\":true}");
    fflush(stdout);
    run(&crowd, connect ? &dialled : NULL);
    report(&crowd);
    return 0;
}
