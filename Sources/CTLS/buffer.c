#include "CTLS.h"

#include <stdlib.h>
#include <string.h>

void ctls_buffer_append(ctls_buffer *buffer, const void *bytes, size_t count) {
    size_t needed = buffer->count + count;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : 1024;
        while (capacity < needed) capacity *= 2;
        uint8_t *larger = realloc(buffer->bytes, capacity);
        // As everywhere in Swift: without memory there is no going on.
        if (!larger) abort();
        buffer->bytes = larger;
        buffer->capacity = capacity;
    }
    memcpy(buffer->bytes + buffer->count, bytes, count);
    buffer->count = needed;
}

void ctls_buffer_clear(ctls_buffer *buffer, int keeps_memory) {
    buffer->count = 0;
    if (keeps_memory) return;
    free(buffer->bytes);
    buffer->bytes = NULL;
    buffer->capacity = 0;
}
