#include "announcers.h"

#include <stdio.h>
#include <string.h>

enum { ANNOUNCE = 1, SCRAPE = 2, STARTED = 2, ANNOUNCE_BYTES = 98, URL_DATA = 2 };

static void put64(uint8_t *bytes, uint64_t value) {
    put32(bytes, (uint32_t)(value >> 32));
    put32(bytes + 4, (uint32_t)value);
}

static void put_head(uint8_t *bytes, uint64_t connection, uint32_t action, uint32_t transaction) {
    put64(bytes, connection);
    put32(bytes + 8, action);
    put32(bytes + 12, transaction);
}

static void put_peer_id(char *bytes, uint32_t peer) {
    static const char digits[] = "0123456789abcdef";
    memcpy(bytes, "-BN0001-0000", 12);
    for (int i = 0; i < 8; i++) bytes[12 + i] = digits[peer >> (28 - 4 * i) & 15];
}

static const char *passkey_of(const struct load *load, uint32_t peer) {
    const struct population *population = &load->population;
    return population->passkeys ? population->passkeys[peer % population->passkey_count] : NULL;
}

// BEP 15, the passkey as BEP 41 has it.
size_t put_announce(uint8_t *bytes, const struct load *load, uint32_t peer, uint64_t connection,
                    uint32_t transaction) {
    const struct peer *who = &load->population.peers[peer];
    const char *passkey = passkey_of(load, peer);
    put_head(bytes, connection, ANNOUNCE, transaction);
    memcpy(bytes + 16, load->population.hashes[who->swarm], 20);
    put_peer_id((char *)bytes + 36, peer);
    put64(bytes + 56, 0);
    put64(bytes + 64, 1);
    put64(bytes + 72, 0);
    put32(bytes + 80, load->fills ? STARTED : 0);
    put32(bytes + 84, 0);
    put32(bytes + 88, peer * 2654435761u);
    put32(bytes + 92, load->fills ? 0 : (uint32_t)load->wanted);
    bytes[96] = (uint8_t)(who->port >> 8);
    bytes[97] = (uint8_t)who->port;
    if (!passkey) return ANNOUNCE_BYTES;
    bytes[98] = URL_DATA;
    bytes[99] = 42;
    memcpy(bytes + 100, "/announce/", 10);
    memcpy(bytes + 110, passkey, 32);
    return 142;
}

size_t put_scrape(uint8_t *bytes, struct load *load, uint64_t connection, uint32_t transaction) {
    put_head(bytes, connection, SCRAPE, transaction);
    for (long i = 0; i < load->scraped; i++) {
        uint32_t swarm = load->population.peers[some_peer(load)].swarm;
        memcpy(bytes + 16 + 20 * i, load->population.hashes[swarm], 20);
    }
    return 16 + 20 * (size_t)load->scraped;
}

// As libtorrent and others write it: unreserved characters as they are, all else as %XX.
static char *put_escaped(char *text, const uint8_t *bytes, int count) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < count; i++) {
        uint8_t byte = bytes[i];
        bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= 'a' && byte <= 'z');
        if (is_plain) {
            *text++ = (char)byte;
        } else {
            *text++ = '%';
            *text++ = digits[byte >> 4];
            *text++ = digits[byte & 15];
        }
    }
    return text;
}

size_t put_http_announce(char *text, const struct load *load, uint32_t peer) {
    const struct peer *who = &load->population.peers[peer];
    const char *passkey = passkey_of(load, peer);
    char *end = text, peer_id[20];
    put_peer_id(peer_id, peer);
    end += sprintf(end, "GET /announce%s%s?info_hash=", passkey ? "/" : "", passkey ? passkey : "");
    end = put_escaped(end, load->population.hashes[who->swarm], 20);
    end += sprintf(end,
                   "&peer_id=%.20s&port=%d&uploaded=0&downloaded=0&left=1&compact=1&numwant=%ld"
                   "&key=%08x HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: announcers\r\n%s\r\n",
                   peer_id, who->port, load->wanted, peer * 2654435761u,
                   load->closes ? "Connection: close\r\n" : "");
    return (size_t)(end - text);
}
