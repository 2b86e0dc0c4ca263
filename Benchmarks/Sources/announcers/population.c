#include "announcers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// xorshift64* (Vigna: "An experimental exploration of Marsaglia's xorshift generators").
uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

uint32_t some_peer(struct load *load) {
    uint64_t draw = next_random(&load->random) >> 32;
    return (uint32_t)(draw * load->population.peer_count >> 32);
}

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) fail("no memory");
    return memory;
}

static void read_hashes(struct population *population, const char *path) {
    FILE *file = fopen(path, "re");
    char line[64];
    if (!file) fail("%s: can't be read", path);
    for (uint32_t swarm = 0; swarm < population->swarm_count; swarm++) {
        if (!fgets(line, sizeof line, file)) fail("%s: too few hashes", path);
        for (int i = 0; i < 20; i++) {
            if (sscanf(line + 2 * i, "%2hhx", &population->hashes[swarm][i]) != 1) {
                fail("%s: %s is no hash", path, line);
            }
        }
    }
    fclose(file);
}

static void make_hashes(struct population *population) {
    uint64_t state = 0x6d546f7272656e74;
    for (uint32_t swarm = 0; swarm < population->swarm_count; swarm++) {
        for (int i = 0; i < 20; i++) {
            population->hashes[swarm][i] = (uint8_t)(next_random(&state) >> 56);
        }
    }
}

static void read_passkeys(struct population *population, const char *path) {
    FILE *file = fopen(path, "re");
    char line[64];
    if (!file) fail("%s: can't be read", path);
    population->passkeys = allocate(1024, sizeof *population->passkeys);
    while (population->passkey_count < 1024 && fgets(line, sizeof line, file)) {
        memcpy(population->passkeys[population->passkey_count++], line, 32);
    }
    fclose(file);
    if (population->passkey_count == 0) fail("%s: no passkeys", path);
}

// The swarm of each peer: one peer each first, then by the weights of the ranks.
static void place_peers(struct population *population, double zipf) {
    uint32_t swarms = population->swarm_count;
    double *until = allocate(swarms, sizeof *until), sum = 0;
    uint16_t *used = allocate(swarms, sizeof *used);
    uint64_t state = 0x706c616365;
    for (uint32_t rank = 0; rank < swarms; rank++) {
        until[rank] = sum += pow(rank + 1.0, -zipf);
    }
    for (uint32_t peer = 0; peer < population->peer_count; peer++) {
        uint32_t low = 0, high = swarms - 1;
        if (zipf == 0) {
            low = peer % swarms;
        } else {
            double drawn = (double)(next_random(&state) >> 11) / (double)(1ull << 53) * sum;
            while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                if (until[middle] > drawn) high = middle;
                else low = middle + 1;
            }
        }
        // Trackers that go by the address tell the peers of a swarm apart by their ports.
        if (used[low] == 64000) fail("more than 64000 peers in a swarm");
        population->peers[peer] = (struct peer){low, (uint16_t)(1024 + used[low]++)};
    }
    free(until);
    free(used);
}

struct population make_population(long swarms, long peers, double zipf, const char *hashes,
                                  const char *passkeys) {
    if (swarms < 1 || peers < 1 || swarms > 1 << 28 || peers > 1 << 28) fail("out of range");
    struct population population = {.swarm_count = (uint32_t)swarms, .peer_count = (uint32_t)peers};
    population.hashes = allocate((size_t)swarms, sizeof *population.hashes);
    population.peers = allocate((size_t)peers, sizeof *population.peers);
    if (hashes) read_hashes(&population, hashes);
    else make_hashes(&population);
    if (passkeys) read_passkeys(&population, passkeys);
    place_peers(&population, zipf);
    return population;
}

void print_hashes(const struct population *population) {
    for (uint32_t swarm = 0; swarm < population->swarm_count; swarm++) {
        for (int i = 0; i < 20; i++) printf("%02x", population->hashes[swarm][i]);
        putchar('\n');
    }
}
