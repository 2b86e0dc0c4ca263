#pragma once
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

// Macros, and functions of a variable number of arguments, which Swift can't call.

/// A new key pair on P-256; NULL if there is none.
static inline EVP_PKEY *shim_make_p256_key(void) { return EVP_EC_gen("P-256"); }

/// The bytes of a memory BIO, which stay the BIO's.
static inline long shim_bio_bytes(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }
