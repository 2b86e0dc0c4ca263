#pragma once
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

// Macros, and functions of a variable number of arguments, which Swift can't call.

/// A new key pair on P-256; NULL if there is none.
static inline EVP_PKEY *shim_make_p256_key(void) { return EVP_EC_gen("P-256"); }

/// Whether a certificate names `host` among its alternative names of the kind DNS, letter by letter.
static inline int shim_names_host(X509 *certificate, const char *host) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int is_named = 0;
    for (int index = 0; names && index < sk_GENERAL_NAME_num(names); index++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
        if (name->type != GEN_DNS) continue;
        size_t length = (size_t)ASN1_STRING_length(name->d.dNSName);
        is_named |= length == strlen(host) &&
                    memcmp(ASN1_STRING_get0_data(name->d.dNSName), host, length) == 0;
    }
    GENERAL_NAMES_free(names);
    return is_named;
}

/// The bytes of a memory BIO, which stay the BIO's.
static inline long shim_bio_bytes(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }
