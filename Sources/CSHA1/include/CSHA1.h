// SHA-1 (RFC 3174) of several messages at once, one in each lane of the processor's vectors. What
// OpenSSL does for one message is bound by its chain of additions, which lanes share.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// How many messages are taken at once: 16 or 8; 0 where this processor lacks the vectors, or
/// hashes one message after the other as fast.
int csha1_lane_count(void);

/// The fewest messages that are hashed faster together than one after the other by OpenSSL.
int csha1_worthwhile_count(void);

/// Takes `block_count` blocks of 64 bytes of each message. `messages` has as many pointers as there
/// are lanes; `state` has the five words of all lanes one after the other, word i of lane j at
/// [i * lanes + j].
void csha1_compress(uint32_t *state, const uint8_t *const *messages, size_t block_count);
