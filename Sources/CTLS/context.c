#include "context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

ctls_context *ctls_context_create(int is_server) {
    SSL_CTX *ssl = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (!ssl) return NULL;
    // AES-128 first: the cheapest where the processor has AES, and as good as any.
    int is_usable =
        SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) &&
        SSL_CTX_set_ciphersuites(ssl, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:"
                                      "TLS_AES_256_GCM_SHA384") &&
        SSL_CTX_set1_groups_list(ssl, "X25519:P-256");
    ctls_context *context = is_usable ? calloc(1, sizeof *context) : NULL;
    if (!context) {
        SSL_CTX_free(ssl);
        return NULL;
    }
    context->ssl = ssl;
    context->is_server = is_server;
    SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET |
                                 SSL_OP_NO_RENEGOTIATION);
    // Every session proves itself by its certificate: none is resumed.
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ssl, 0);
    // An idle session has no buffers.
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_max_cert_list(ssl, 32 << 10);
    return context;
}

void ctls_context_destroy(ctls_context *context) {
    SSL_CTX_free(context->ssl);
    free(context);
}

static X509 *read_certificate(BIO *file) { return PEM_read_bio_X509(file, NULL, NULL, NULL); }

static int present_certificates(SSL_CTX *ssl, BIO *file) {
    X509 *certificate = read_certificate(file);
    int is_taken = certificate && SSL_CTX_use_certificate(ssl, certificate) == 1;
    X509_free(certificate);
    if (!is_taken) return 0;
    while ((certificate = read_certificate(file))) {
        // Takes the certificate over if it succeeds.
        if (SSL_CTX_add0_chain_cert(ssl, certificate) != 1) {
            X509_free(certificate);
            return 0;
        }
    }
    // The end of the file is no error.
    int is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (is_end) ERR_clear_error();
    return is_end;
}

// A key that needs a password would have OpenSSL ask for it on the terminal.
static int no_password(char *buffer, int size, int is_writing, void *user) { return -1; }

int ctls_context_present(ctls_context *context, const void *certificates, size_t certificates_count,
                         const void *key, size_t key_count) {
    ERR_clear_error();
    BIO *certificate_file = BIO_new_mem_buf(certificates, (int)certificates_count);
    BIO *key_file = BIO_new_mem_buf(key, (int)key_count);
    EVP_PKEY *private_key = NULL;
    int is_taken = 0;
    if (certificate_file && key_file && present_certificates(context->ssl, certificate_file)) {
        private_key = PEM_read_bio_PrivateKey(key_file, NULL, no_password, NULL);
        is_taken = private_key && SSL_CTX_use_PrivateKey(context->ssl, private_key) == 1 &&
                   SSL_CTX_check_private_key(context->ssl) == 1;
    }
    EVP_PKEY_free(private_key);
    BIO_free(key_file);
    BIO_free(certificate_file);
    return is_taken;
}

enum { needs_certificate = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT };

int ctls_context_trust(ctls_context *context, const void *authorities, size_t count) {
    ERR_clear_error();
    BIO *file = BIO_new_mem_buf(authorities, (int)count);
    X509_STORE *store = SSL_CTX_get_cert_store(context->ssl);
    X509 *authority = NULL;
    int is_taken = 0;
    while (file && (authority = read_certificate(file))) {
        is_taken = X509_STORE_add_cert(store, authority) == 1 &&
                   SSL_CTX_add_client_CA(context->ssl, authority) == 1;
        X509_free(authority);
        if (!is_taken) break;
    }
    BIO_free(file);
    if (is_taken) ERR_clear_error();
    SSL_CTX_set_verify(context->ssl, needs_certificate, NULL);
    return is_taken;
}

static int choose(SSL *ssl, int *alert, void *user) {
    ctls_context *context = user;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    ctls_context *chosen = name ? context->chooser(context->chooser_user, name) : NULL;
    if (!chosen || !SSL_set_SSL_CTX(ssl, chosen->ssl)) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    // Beside the certificate and whom it trusts, a session doesn't take over what its context says.
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(chosen->ssl), NULL);
    return SSL_TLSEXT_ERR_OK;
}

void ctls_context_set_chooser(ctls_context *context, ctls_chooser chooser, void *user) {
    context->chooser = chooser;
    context->chooser_user = user;
    SSL_CTX_set_tlsext_servername_callback(context->ssl, choose);
    SSL_CTX_set_tlsext_servername_arg(context->ssl, context);
}

const char *ctls_last_error(void) {
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return text ? text : "unknown error";
}
