// The compression function of SHA-1 (RFC 3174, section 6.1) for LANES messages, one in each lane of a
// VECTOR. Included once for each width: COMPRESS and EXCHANGE are the functions' names, TARGET says
// what the processor must have, SHUFFLE makes a vector of the elements of two.

#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define CHOOSE(b, c, d) ((d) ^ ((b) & ((c) ^ (d))))
#define PARITY(b, c, d) ((b) ^ (c) ^ (d))
#define MAJORITY(b, c, d) (((b) & (c)) | ((d) & ((b) | (c))))

// Element j of the first or second of two rows after the elements whose indices have the bit s
// were exchanged across the diagonal.
#define FIRST(j, s) ((j) & (s) ? LANES + ((j) ^ (s)) : (j))
#define SECOND(j, s) ((j) & (s) ? LANES + (j) : (j) | (s))

#define SCHEDULE(t) \
    (w[(t) & 15] = ROTATE( \
         w[((t) + 13) & 15] ^ w[((t) + 8) & 15] ^ w[((t) + 2) & 15] ^ w[(t) & 15], 1))
#define ROUND(a, b, c, d, e, f, k, word) \
    do { \
        e += ROTATE(a, 5) + f(b, c, d) + (k) + (word); \
        b = ROTATE(b, 30); \
    } while (0)
#define FIVE(t, f, k, word) \
    ROUND(a, b, c, d, e, f, k, word(t)); \
    ROUND(e, a, b, c, d, f, k, word((t) + 1)); \
    ROUND(d, e, a, b, c, f, k, word((t) + 2)); \
    ROUND(c, d, e, a, b, f, k, word((t) + 3)); \
    ROUND(b, c, d, e, a, f, k, word((t) + 4))
#define GIVEN(t) w[t]

TARGET static inline __attribute__((always_inline)) void EXCHANGE(VECTOR *rows)
{
#define STEP(s) \
    for (int i = 0; i < LANES; i++) { \
        if (i & (s)) continue; \
        VECTOR x = rows[i], y = rows[i + (s)]; \
        rows[i] = SHUFFLE(x, y, FIRST, s); \
        rows[i + (s)] = SHUFFLE(x, y, SECOND, s); \
    }
#pragma clang loop unroll(full)
    STEP(1)
#pragma clang loop unroll(full)
    STEP(2)
#pragma clang loop unroll(full)
    STEP(4)
#if LANES > 8
#pragma clang loop unroll(full)
    STEP(8)
#endif
#undef STEP
}

TARGET static void COMPRESS(uint32_t *state, const uint8_t *const *messages, size_t block_count)
{
    VECTOR h[5];
    memcpy(h, state, sizeof h);
    for (size_t offset = 0; offset < 64 * block_count; offset += 64) {
        // Rows of LANES words of one message each; then, exchanged, of one word of each message.
        VECTOR w[16];
        for (int part = 0; part < 16 / LANES; part++) {
            VECTOR *rows = w + part * LANES;
            for (int lane = 0; lane < LANES; lane++)
                memcpy(&rows[lane], messages[lane] + offset + part * sizeof(VECTOR), sizeof(VECTOR));
            EXCHANGE(rows);
        }
        for (int i = 0; i < 16; i++)
            w[i] = (ROTATE(w[i], 8) & 0x00FF00FF) | (ROTATE(w[i], 24) & 0xFF00FF00);
        VECTOR a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        FIVE(0, CHOOSE, 0x5A827999, GIVEN);
        FIVE(5, CHOOSE, 0x5A827999, GIVEN);
        FIVE(10, CHOOSE, 0x5A827999, GIVEN);
        ROUND(a, b, c, d, e, CHOOSE, 0x5A827999, GIVEN(15));
        ROUND(e, a, b, c, d, CHOOSE, 0x5A827999, SCHEDULE(16));
        ROUND(d, e, a, b, c, CHOOSE, 0x5A827999, SCHEDULE(17));
        ROUND(c, d, e, a, b, CHOOSE, 0x5A827999, SCHEDULE(18));
        ROUND(b, c, d, e, a, CHOOSE, 0x5A827999, SCHEDULE(19));
        FIVE(20, PARITY, 0x6ED9EBA1, SCHEDULE);
        FIVE(25, PARITY, 0x6ED9EBA1, SCHEDULE);
        FIVE(30, PARITY, 0x6ED9EBA1, SCHEDULE);
        FIVE(35, PARITY, 0x6ED9EBA1, SCHEDULE);
        FIVE(40, MAJORITY, 0x8F1BBCDC, SCHEDULE);
        FIVE(45, MAJORITY, 0x8F1BBCDC, SCHEDULE);
        FIVE(50, MAJORITY, 0x8F1BBCDC, SCHEDULE);
        FIVE(55, MAJORITY, 0x8F1BBCDC, SCHEDULE);
        FIVE(60, PARITY, 0xCA62C1D6, SCHEDULE);
        FIVE(65, PARITY, 0xCA62C1D6, SCHEDULE);
        FIVE(70, PARITY, 0xCA62C1D6, SCHEDULE);
        FIVE(75, PARITY, 0xCA62C1D6, SCHEDULE);
        h[0] += a;
        h[1] += b;
        h[2] += c;
        h[3] += d;
        h[4] += e;
    }
    memcpy(state, h, sizeof h);
}

#undef ROTATE
#undef CHOOSE
#undef PARITY
#undef MAJORITY
#undef FIRST
#undef SECOND
#undef SCHEDULE
#undef ROUND
#undef FIVE
#undef GIVEN
