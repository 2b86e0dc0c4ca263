#pragma once
#include "CTLS.h"

#include <openssl/ssl.h>

struct ctls_context {
    SSL_CTX *ssl;
    int is_server;
    ctls_chooser chooser;
    void *chooser_user;
};
