#include "session.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

// The socket that OpenSSL sees -------------------------------------------------------------------

static int write_output(BIO *bio, const char *bytes, size_t count, size_t *written) {
    ctls_session *session = BIO_get_data(bio);
    ctls_buffer_append(session->output, bytes, count);
    *written = count;
    return 1;
}

static int read_input(BIO *bio, char *bytes, size_t capacity, size_t *count) {
    ctls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (session->input_count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    *count = capacity < session->input_count ? capacity : session->input_count;
    memcpy(bytes, session->input, *count);
    session->input += *count;
    session->input_count -= *count;
    return 1;
}

static long control(BIO *bio, int command, long number, void *pointer) {
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *make_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mTorrent");
    if (!method || !BIO_meth_set_write_ex(method, write_output) ||
        !BIO_meth_set_read_ex(method, read_input) || !BIO_meth_set_ctrl(method, control)) {
        abort();
    }
    return method;
}

static BIO_METHOD *method;
static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;
static void set_method(void) { method = make_method(); }

// Life -------------------------------------------------------------------------------------------

ctls_session *ctls_session_create(ctls_context *context) {
    CRYPTO_THREAD_run_once(&method_once, set_method);
    ctls_session *session = calloc(1, sizeof *session);
    SSL *ssl = SSL_new(context->ssl);
    BIO *bio = BIO_new(method);
    if (!session || !ssl || !bio) {
        BIO_free(bio);
        SSL_free(ssl);
        free(session);
        return NULL;
    }
    session->ssl = ssl;
    session->failure_text = "";
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    // Both directions are one BIO, of which this takes the one reference.
    SSL_set_bio(ssl, bio, bio);
    if (context->is_server) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
    }
    return session;
}

void ctls_session_destroy(ctls_session *session) {
    SSL_free(session->ssl);
    free(session);
}

void ctls_session_set_server_name(ctls_session *session, const char *name) {
    SSL_set_tlsext_host_name(session->ssl, name);
}

const char *ctls_session_server_name(const ctls_session *session) {
    return SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name);
}

void ctls_session_set_output(ctls_session *session, ctls_buffer *output) {
    session->output = output;
}

void ctls_session_set_input(ctls_session *session, const void *bytes, size_t count) {
    session->input = bytes;
    session->input_count = count;
}

// What went wrong --------------------------------------------------------------------------------

static int is_not_tls(int reason) {
    return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
           reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_PACKET_LENGTH_TOO_LONG;
}

static void note_failure(ctls_session *session) {
    // The last one: what led to it came before.
    unsigned long error = ERR_peek_last_error();
    int reason = ERR_GET_REASON(error);
    const char *text = ERR_reason_error_string(error);
    session->failure = ctls_other;
    session->failure_text = text ? text : "an error without a name";
    if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
        if (reason > SSL_AD_REASON_OFFSET) {
            session->failure = ctls_alert;
            session->failure_text = SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET);
        } else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
            session->failure = ctls_certificate;
            session->failure_text =
                X509_verify_cert_error_string(SSL_get_verify_result(session->ssl));
        } else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
            session->failure = ctls_certificate;
            session->failure_text = "there is none";
        } else if (is_not_tls(reason)) {
            session->failure = ctls_not_tls;
        }
    }
    ERR_clear_error();
}

static ctls_outcome outcome(ctls_session *session, int result) {
    if (result > 0) return ctls_done;
    switch (SSL_get_error(session->ssl, result)) {
        case SSL_ERROR_WANT_READ: return ctls_wants_input;
        case SSL_ERROR_WANT_WRITE: return ctls_wants_room;
        case SSL_ERROR_ZERO_RETURN: return ctls_ended;
        default: note_failure(session); return ctls_failed;
    }
}

ctls_failure_kind ctls_session_failure(const ctls_session *session, const char **text) {
    *text = session->failure_text;
    return session->failure;
}

// The work ---------------------------------------------------------------------------------------

ctls_outcome ctls_session_handshake(ctls_session *session) {
    ERR_clear_error();
    return outcome(session, SSL_do_handshake(session->ssl));
}

ctls_outcome ctls_session_read(ctls_session *session, void *bytes, size_t capacity, size_t *count) {
    ERR_clear_error();
    *count = 0;
    return outcome(session, SSL_read_ex(session->ssl, bytes, capacity, count));
}

ctls_outcome ctls_session_write(ctls_session *session, const void *bytes, size_t count) {
    ERR_clear_error();
    size_t written;
    return outcome(session, SSL_write_ex(session->ssl, bytes, count, &written));
}

int ctls_session_end(ctls_session *session) {
    ERR_clear_error();
    int result = SSL_shutdown(session->ssl);
    int is_blocked = result < 0 && SSL_get_error(session->ssl, result) == SSL_ERROR_WANT_WRITE;
    ERR_clear_error();
    return !is_blocked;
}

void ctls_session_update_keys(ctls_session *session) {
    SSL_key_update(session->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
    ERR_clear_error();
}

size_t ctls_session_certificate(const ctls_session *session, void *bytes, size_t capacity) {
    X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    if (!certificate) return 0;
    unsigned char *encoded = NULL;
    int length = i2d_X509(certificate, &encoded);
    if (length <= 0) return 0;
    memcpy(bytes, encoded, (size_t)length < capacity ? (size_t)length : capacity);
    OPENSSL_free(encoded);
    return (size_t)length;
}

const char *ctls_session_cipher(const ctls_session *session) {
    return SSL_get_cipher_name(session->ssl);
}
