#include "CSHA1.h"

#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>

typedef uint32_t vector8 __attribute__((vector_size(32)));
typedef uint32_t vector16 __attribute__((vector_size(64)));

#define LANES 8
#define VECTOR vector8
#define COMPRESS compress8
#define EXCHANGE exchange8
#define TARGET __attribute__((target("avx2")))
#define SHUFFLE(x, y, f, s) \
    __builtin_shufflevector( \
        x, y, f(0, s), f(1, s), f(2, s), f(3, s), f(4, s), f(5, s), f(6, s), f(7, s))
#include "lanes.h"
#undef LANES
#undef VECTOR
#undef COMPRESS
#undef EXCHANGE
#undef TARGET
#undef SHUFFLE

#define LANES 16
#define VECTOR vector16
#define COMPRESS compress16
#define EXCHANGE exchange16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))
#define SHUFFLE(x, y, f, s) \
    __builtin_shufflevector( \
        x, y, f(0, s), f(1, s), f(2, s), f(3, s), f(4, s), f(5, s), f(6, s), f(7, s), f(8, s), \
        f(9, s), f(10, s), f(11, s), f(12, s), f(13, s), f(14, s), f(15, s))
#include "lanes.h"

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl");
}

/// Instructions for SHA-1 (SHA-NI): with them OpenSSL needs a third of the time.
static int has_sha_instructions(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & 1u << 29);
}

int csha1_lane_count(void)
{
    if (has_avx512()) return 16;
    return __builtin_cpu_supports("avx2") && !has_sha_instructions() ? 8 : 0;
}

int csha1_worthwhile_count(void) { return has_sha_instructions() ? 10 : 4; }

void csha1_compress(uint32_t *state, const uint8_t *const *messages, size_t block_count)
{
    if (csha1_lane_count() == 16)
        compress16(state, messages, block_count);
    else
        compress8(state, messages, block_count);
}

#else

int csha1_lane_count(void) { return 0; }
int csha1_worthwhile_count(void) { return 1; }

void csha1_compress(uint32_t *state, const uint8_t *const *messages, size_t block_count)
{
    (void)state, (void)messages, (void)block_count;
    __builtin_trap();
}

#endif
