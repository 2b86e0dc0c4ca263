#define _GNU_SOURCE
#include "CLoad.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t get32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void put32(uint8_t *bytes, uint32_t value) {
    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
}

struct torrent torrent_of(const char *hex, uint64_t bytes, uint32_t piece_bytes) {
    struct torrent torrent = {.bytes = bytes, .piece_bytes = piece_bytes};
    if (!hex || strlen(hex) != 40) fail("an info-hash has 40 hex digits");
    for (int i = 0; i < 20; i++) {
        if (sscanf(hex + 2 * i, "%2hhx", &torrent.info_hash[i]) != 1) fail("%s: no info-hash", hex);
    }
    if (bytes == 0 || piece_bytes == 0) fail("the torrent's bytes, or those of a piece, are missing");
    torrent.pieces = (uint32_t)((bytes + piece_bytes - 1) / piece_bytes);
    return torrent;
}

uint32_t piece_length(const struct torrent *torrent, uint32_t piece) {
    uint64_t rest = torrent->bytes - (uint64_t)piece * torrent->piece_bytes;
    return rest < torrent->piece_bytes ? (uint32_t)rest : torrent->piece_bytes;
}

static const char protocol[] = "\x13" "BitTorrent protocol";

enum { PROTOCOL_BYTES = sizeof protocol - 1 };

void put_handshake(uint8_t *bytes, const struct torrent *torrent, const char *letters, int number,
                   bool fast) {
    char peer_id[21];
    memset(bytes, 0, HANDSHAKE_BYTES);
    memcpy(bytes, protocol, PROTOCOL_BYTES);
    bytes[25] = 0x10;
    bytes[27] = fast ? 0x04 : 0;
    memcpy(bytes + 28, torrent->info_hash, 20);
    snprintf(peer_id, sizeof peer_id, "-%.2s0001-%012d", letters, number);
    memcpy(bytes + 48, peer_id, 20);
}

bool is_handshake(const uint8_t *bytes, const struct torrent *torrent) {
    return memcmp(bytes, protocol, PROTOCOL_BYTES) == 0 &&
           memcmp(bytes + 28, torrent->info_hash, 20) == 0;
}

bool has_fast(const uint8_t *handshake) { return handshake[27] & 0x04; }

bool has_extended(const uint8_t *handshake) { return handshake[25] & 0x10; }

size_t put_extended_handshake(uint8_t *bytes, int reqq, uint32_t max_block) {
    char blocks[40] = "";
    char *text = (char *)bytes + 6;
    if (max_block) snprintf(blocks, sizeof blocks, "11:mt_maxblocki%ue", max_block);
    size_t count = (size_t)snprintf(text, 122, "d1:mde%s4:reqqi%de1:v4:loade", blocks, reqq);
    put32(bytes, (uint32_t)count + 2);
    bytes[4] = EXTENDED;
    bytes[5] = 0;
    return count + 6;
}

long bencoded_integer(const uint8_t *text, size_t count, const char *key) {
    const uint8_t *found = memmem(text, count, key, strlen(key));
    if (!found) return -1;
    const uint8_t *digits = found + strlen(key);
    const uint8_t *end = text + count;
    if (digits == end || *digits++ != 'i') return -1;
    long value = 0;
    for (; digits < end && *digits >= '0' && *digits <= '9' && value < 1L << 40; digits++) {
        value = value * 10 + (*digits - '0');
    }
    return digits < end && *digits == 'e' ? value : -1;
}

void put_request(uint8_t *bytes, enum message message, struct request request) {
    put32(bytes, 13);
    bytes[4] = (uint8_t)message;
    put32(bytes + 5, request.piece);
    put32(bytes + 9, request.begin);
    put32(bytes + 13, request.length);
}

void put_piece_header(uint8_t *bytes, struct request request) {
    put32(bytes, 9 + request.length);
    bytes[4] = PIECE;
    put32(bytes + 5, request.piece);
    put32(bytes + 9, request.begin);
}
