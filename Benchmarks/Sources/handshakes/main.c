// How soon a peer answers a new connection's handshake while it serves others: one connection every
// so many milliseconds, each closed once it is answered. Prints one line of JSON.
#define _GNU_SOURCE
#include "CLoad.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Waits for the socket; false when the time is over.
static bool wait_for(int fd, short events, double deadline) {
    struct pollfd wanted = {.fd = fd, .events = events};
    while (true) {
        double rest = deadline - now();
        struct timespec timeout = {.tv_sec = (time_t)rest, .tv_nsec = (long)((rest - (long)rest) * 1e9)};
        if (rest <= 0) return false;
        int count = ppoll(&wanted, 1, &timeout, NULL);
        if (count > 0) return true;
        if (count < 0 && errno != EINTR) return false;
    }
}

// Seconds from the call of connect(2) to the last byte of the answer; negative without one.
static double handshake(struct sockaddr_in to, const struct torrent *torrent, int net, int number,
                        double patience) {
    uint8_t bytes[HANDSHAKE_BYTES];
    double start = now(), deadline = start + patience, taken = -1;
    int fd = connect_from(address_in(net, number), to);
    if (fd < 0) return -1;
    put_handshake(bytes, torrent, "HS", number, true);
    if (wait_for(fd, POLLOUT, deadline) &&
        send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) == HANDSHAKE_BYTES) {
        size_t had = 0;
        while (had < sizeof bytes && wait_for(fd, POLLIN, deadline)) {
            ssize_t count = recv(fd, bytes + had, sizeof bytes - had, 0);
            if (count <= 0) break;
            had += (size_t)count;
        }
        if (had == sizeof bytes && is_handshake(bytes, torrent)) taken = now() - start;
    }
    close(fd);
    return taken;
}

int main(int argc, char **argv) {
    const char *to = NULL, *info_hash = NULL;
    long net = 65;
    double seconds = 2, interval = 0.02, patience = 2;
    const struct program_option options[] = {
        {"to", TEXT, &to},
        {"info-hash", TEXT, &info_hash},
        {"net", NUMBER, &net},         // they come from 127.NET.0.0/16
        {"seconds", REAL, &seconds},   // in all
        {"interval", REAL, &interval}, // seconds between two
        {"patience", REAL, &patience}, // seconds until one counts as failed
    };
    read_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (interval <= 0 || seconds < interval) fail("out of range");
    // Ahead of the crowd, where that is allowed: else its turn on their core is what is measured.
    struct sched_param priority = {.sched_priority = 50};
    bool is_ahead = sched_setscheduler(0, SCHED_FIFO, &priority) == 0;

    struct torrent torrent = torrent_of(info_hash, 1, 1);
    struct sockaddr_in address = address_of(to);
    int most = (int)(seconds / interval), tried = 0, answered = 0;
    double *taken = calloc((size_t)most, sizeof *taken), next = now(), end = next + seconds;
    if (!taken) fail("no memory");
    // Slow answers make it fewer.
    while (tried < most && now() < end) {
        double rest = next - now();
        if (rest > 0) usleep((useconds_t)(rest * 1e6));
        next += interval;
        double one = handshake(address, &torrent, (int)net, tried++, patience);
        if (one >= 0) taken[answered++] = one * 1000;
    }
    qsort(taken, (size_t)answered, sizeof *taken, compare);
    double median = answered ? taken[answered / 2] : -1;
    double p99 = answered ? taken[(answered * 99 + 99) / 100 - 1] : -1;
    printf("{\"tried\":%d,\"answered\":%d,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"most_ms\":%.3f,"
           "\"ahead\":%s}\n",
           tried, answered, median, p99, answered ? taken[answered - 1] : -1,
           is_ahead ? "true" : "false");
    return 0;
}
