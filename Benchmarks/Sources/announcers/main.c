// Announces and scrapes, over UDP or HTTP, of a crowd whose swarms have sizes by Zipf's law; as many as
// the tracker answers, or so many a second. Prints one line of JSON.
#include "announcers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void note_latency(struct outcome *outcome, double seconds) {
    if (outcome->latency_count == outcome->latency_room) {
        outcome->latency_room = outcome->latency_room * 2 + 65536;
        size_t bytes = outcome->latency_room * sizeof *outcome->latencies;
        outcome->latencies = realloc(outcome->latencies, bytes);
        if (!outcome->latencies) fail("no memory");
    }
    outcome->latencies[outcome->latency_count++] = (float)(seconds * 1e6);
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double latency_at(const struct outcome *outcome, double share) {
    size_t count = outcome->latency_count;
    return count ? outcome->latencies[(size_t)((double)(count - 1) * share)] : -1;
}

static void print_outcome(struct outcome *outcome) {
    uint64_t answered = outcome->answered;
    double each = answered ? 1e6 / (double)answered : 0;
    if (outcome->latency_count) {
        qsort(outcome->latencies, outcome->latency_count, sizeof *outcome->latencies, compare);
    }
    printf("{\"answered\":%llu,\"failed\":%llu,\"lost\":%llu,\"per_second\":%.1f,"
           "\"bytes_each\":%.1f,\"server_cpu_micros\":%.3f,\"own_cpu_micros\":%.3f,"
           "\"p50_micros\":%.1f,\"p99_micros\":%.1f}\n",
           (unsigned long long)answered, (unsigned long long)outcome->failed,
           (unsigned long long)outcome->lost, (double)answered / outcome->seconds,
           answered ? (double)outcome->bytes / (double)answered : 0, outcome->server_cpu * each,
           outcome->own_cpu * each, latency_at(outcome, 0.5), latency_at(outcome, 0.99));
}

int main(int argc, char **argv) {
    const char *to = NULL, *hashes = NULL, *passkeys = NULL;
    long swarms = 200000, peers = 1000000, pid = 0, under_way = 0, wanted = 50, scraped = 0;
    long held = 0, seed = 1;
    double zipf = 0.9, seconds = 2, rate = 0;
    bool http = false, closes = false, fills = false, lists = false, announces = false;
    const struct program_option options[] = {
        {"to", TEXT, &to},
        {"pid", NUMBER, &pid},              // of the tracker, whose processor time is told
        {"swarms", NUMBER, &swarms},
        {"peers", NUMBER, &peers},
        {"zipf", REAL, &zipf},              // 0: all swarms alike
        {"hashes", TEXT, &hashes},          // a file with the swarms' info-hashes
        {"passkeys", TEXT, &passkeys},      // a file with the peers' passkeys
        {"http", FLAG, &http},
        {"close", FLAG, &closes},           // a connection for each announce
        {"fill", FLAG, &fills},             // each peer once
        {"list", FLAG, &lists},             // prints the info-hashes and ends
        {"hold", NUMBER, &held},            // connections, until standard input ends
        {"announce", FLAG, &announces},     // each held connection has announced
        {"seconds", REAL, &seconds},
        {"rate", REAL, &rate},              // a second; 0: as many as are answered
        {"under-way", NUMBER, &under_way},  // requests at a time; connections
        {"wanted", NUMBER, &wanted},        // peers in an answer, at most
        {"scrape", NUMBER, &scraped},       // hashes of a scrape, instead of announces
        {"seed", NUMBER, &seed},
    };
    read_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (under_way == 0) under_way = http ? 64 : 128;
    if (under_way < 1 || under_way > 20000 || scraped > 74 || seconds <= 0) fail("out of range");
    if (!http && under_way > 2048) fail("at most 2048 datagrams under way");
    allow_many_files();

    struct load load = {
        .population = make_population(swarms, peers, zipf, hashes, passkeys),
        .server = (pid_t)pid, .seconds = seconds, .rate = rate, .under_way = under_way,
        .wanted = wanted, .scraped = scraped, .closes = closes, .fills = fills,
        .random = (uint64_t)seed * 0x9e3779b97f4a7c15 | 1,
    };
    if (lists) return print_hashes(&load.population), 0;
    load.to = address_of(to);
    if (held) return hold_connections(&load, held, announces), 0;
    struct outcome outcome = http ? announce_over_http(&load) : announce_over_udp(&load);
    print_outcome(&outcome);
    return 0;
}
