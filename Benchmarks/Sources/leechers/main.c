// A crowd of leechers on one thread: each asks for block after block, throws the data away and
// counts it. Prints one line of JSON.
#include "leechers.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HALF_OPEN_MAX = 200 };

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// How far the crowd is.
struct tally {
    int connected, unchoked, served, closed;
    uint64_t bytes;
};

static struct tally count_up(const struct crowd *crowd) {
    struct tally tally = {0};
    for (int i = 0; i < crowd->started; i++) {
        const struct leecher *leecher = &crowd->leechers[i];
        tally.connected += leecher->is_connected;
        tally.unchoked += leecher->was_unchoked;
        tally.served += leecher->blocks > 0;
        tally.closed += leecher->fd < 0;
        tally.bytes += leecher->bytes;
    }
    return tally;
}

// Until `deadline`, or until what is waited for has happened.
static void run(struct crowd *crowd, double deadline, bool (*is_done)(const struct crowd *)) {
    double next_look = 0;
    while (now() < deadline) {
        while (crowd->started < crowd->count && crowd->half_open < HALF_OPEN_MAX) start_one(crowd);
        turn(crowd, 5);
        if (now() < next_look) continue;
        if (is_done && is_done(crowd)) return;
        dial_again(crowd);
        next_look = now() + 0.01;
    }
}

static bool all_connected(const struct crowd *crowd) {
    struct tally tally = count_up(crowd);
    return crowd->started == crowd->count && tally.connected == crowd->count;
}

static bool all_served(const struct crowd *crowd) {
    return crowd->started == crowd->count && count_up(crowd).served == crowd->count;
}

static bool all_bytes_served(const struct crowd *crowd) {
    return count_up(crowd).bytes >= crowd->torrent.bytes;
}

static bool input_ended(const struct crowd *crowd) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    (void)crowd;
    return poll(&input, 1, 0) > 0;
}

// Connected, and nothing more, until the end of standard input.
static void stay_idle(struct crowd *crowd, double settle) {
    double start = now();
    run(crowd, start + settle, all_connected);
    struct tally tally = count_up(crowd);
    printf("{\"connected\":%d,\"closed\":%d,\"seconds\":%.3f}\n", tally.connected, tally.closed,
           now() - start);
    fflush(stdout);
    run(crowd, 1e18, input_ended);
}

static void measure(struct crowd *crowd, double settle, double warm_up, double seconds, pid_t pid) {
    double start = now();
    uint64_t *bytes = calloc((size_t)crowd->count, sizeof *bytes);
    if (!bytes) fail("no memory");
    run(crowd, start + settle, all_served);
    bool was_settled = all_served(crowd);
    double settled = now() - start;
    run(crowd, now() + warm_up, all_bytes_served);

    for (int i = 0; i < crowd->count; i++) bytes[i] = crowd->leechers[i].bytes;
    double server_before = processor_seconds(pid), own_before = processor_seconds(getpid());
    double window_start = now();
    run(crowd, window_start + seconds, NULL);
    double server = processor_seconds(pid) - server_before;
    double own = processor_seconds(getpid()) - own_before;
    double window = now() - window_start;

    uint64_t total = 0;
    for (int i = 0; i < crowd->count; i++) {
        bytes[i] = crowd->leechers[i].bytes - bytes[i];
        total += bytes[i];
    }
    qsort(bytes, (size_t)crowd->count, sizeof *bytes, compare);
    struct tally tally = count_up(crowd);
    double gib = (double)total / (1 << 30);
    printf("{\"connected\":%d,\"unchoked\":%d,\"served\":%d,\"closed\":%d,\"settled\":%s,"
           "\"settle_seconds\":%.3f,\"window_seconds\":%.3f,\"bytes\":%llu,\"mib_per_second\":%.1f,"
           "\"least_bytes\":%llu,\"median_bytes\":%llu,\"block_bytes\":%u,"
           "\"server_cpu_per_gib\":%.4f,\"own_cpu_per_gib\":%.4f,\"server_peak_bytes\":%ld,"
           "\"server_anonymous_bytes\":%ld,\"server_shared_memory_bytes\":%ld,"
           "\"server_resident_bytes\":%ld}\n",
           tally.connected, tally.unchoked, tally.served, tally.closed,
           was_settled ? "true" : "false", settled, window, (unsigned long long)total,
           gib * 1024 / window, (unsigned long long)bytes[0],
           (unsigned long long)bytes[crowd->count / 2], crowd->least_block,
           gib > 0 ? server / gib : 0, gib > 0 ? own / gib : 0, memory_of(pid, "VmHWM"),
           memory_of(pid, "RssAnon"), memory_of(pid, "RssShmem"), memory_of(pid, "VmRSS"));
    free(bytes);
}

int main(int argc, char **argv) {
    const char *to = NULL, *info_hash = NULL, *certificate = NULL;
    long bytes = 0, piece = 0, count = 1, block = BLOCK_BYTES, pipeline = 64, pid = 0, net = 64;
    double seconds = 2, settle = 10, warm_up = 4;
    bool is_idle = false;
    const struct program_option options[] = {
        {"to", TEXT, &to},           {"info-hash", TEXT, &info_hash},
        {"bytes", NUMBER, &bytes},   {"piece", NUMBER, &piece},
        {"count", NUMBER, &count},   // leechers
        {"block", NUMBER, &block},   // bytes of a request; over 16 KiB only where the peer agrees
        {"pipeline", NUMBER, &pipeline}, // requests under way, at most the peer's `reqq`
        {"net", NUMBER, &net},       // leechers come from 127.NET.0.0/16; 0: all from 127.0.0.1
        {"settle", REAL, &settle},   // seconds at most until all are served
        {"warm-up", REAL, &warm_up}, // more at most, until as much as the file has been served
        {"seconds", REAL, &seconds}, // of the window
        {"pid", NUMBER, &pid},       // the server, whose processor time is taken
        {"idle", FLAG, &is_idle},    // connect, and ask for nothing
        {"certificate", TEXT, &certificate}, // speak TLS with what is in this file (PEM)
    };
    read_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (count < 1 || pipeline < 1 || block < 1 || net < 0 || net > 255) fail("out of range");
    allow_many_files();
    struct crowd crowd = {
        .torrent = torrent_of(info_hash, (uint64_t)bytes, (uint32_t)piece),
        .to = address_of(to),
        .tls = certificate ? tls_with(certificate) : NULL,
        .server_name = info_hash,
        .net = (int)net,
        .count = (int)count,
        .block = (uint32_t)block,
        .least_block = (uint32_t)block,
        .pipeline = (int)pipeline,
        .is_idle = is_idle,
        .poll = new_poll(),
        .leechers = calloc((size_t)count, sizeof(struct leecher)),
    };
    if (!crowd.leechers) fail("no memory");
    if (is_idle) {
        stay_idle(&crowd, settle);
    } else {
        measure(&crowd, settle, warm_up, seconds, (pid_t)pid);
    }
    return 0;
}
