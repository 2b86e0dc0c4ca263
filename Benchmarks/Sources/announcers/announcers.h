// A crowd that announces to a tracker: who is in it, how its requests look, and what came of them.
#ifndef ANNOUNCERS_H
#define ANNOUNCERS_H

#include "CLoad.h"

struct peer {
    uint32_t swarm;
    uint16_t port;
};

// Everybody whom the tracker is to know.
struct population {
    uint32_t swarm_count, peer_count;
    uint8_t (*hashes)[20];
    struct peer *peers;
    // 32 hex digits each; none for open swarms.
    char (*passkeys)[33];
    uint32_t passkey_count;
};

// Swarms have sizes by Zipf's law, or all the same where `zipf` is 0. Hashes and passkeys come from
// files of a line each, where they are given.
struct population make_population(long swarms, long peers, double zipf, const char *hashes,
                                  const char *passkeys);
void print_hashes(const struct population *population);

struct load {
    struct population population;
    struct sockaddr_in to;
    pid_t server;
    double seconds;
    // Requests a second, at even times; 0: the next with each answer.
    double rate;
    long under_way, wanted;
    // Info-hashes of a scrape; 0: announces.
    long scraped;
    // A connection for each request.
    bool closes;
    // Each peer once, in order, until all are answered.
    bool fills;
    uint64_t random;
};

struct outcome {
    uint64_t answered, bytes, failed, lost;
    double seconds, server_cpu, own_cpu;
    // Microseconds, as many as were answered at a rate.
    float *latencies;
    size_t latency_count, latency_room;
};

uint64_t next_random(uint64_t *state);
uint32_t some_peer(struct load *load);
void note_latency(struct outcome *outcome, double seconds);

enum { REQUEST_ROOM = 2048 };

// Requests of a peer; give their length.
size_t put_announce(uint8_t *bytes, const struct load *load, uint32_t peer, uint64_t connection,
                    uint32_t transaction);
size_t put_scrape(uint8_t *bytes, struct load *load, uint64_t connection, uint32_t transaction);
size_t put_http_announce(char *text, const struct load *load, uint32_t peer);

struct outcome announce_over_udp(struct load *load);
struct outcome announce_over_http(struct load *load);
// Connects so many and holds them until standard input ends; each announces once if told to.
void hold_connections(struct load *load, long count, bool announces);

#endif
