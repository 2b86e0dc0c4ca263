#pragma once
#include "context.h"

struct ctls_session {
    SSL *ssl;
    ctls_buffer *output;
    const uint8_t *input;
    size_t input_count;
    ctls_failure_kind failure;
    const char *failure_text;
};
