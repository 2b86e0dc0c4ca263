#include "leechers.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>

// Received by one call, as far as it is there.
enum { READ_AHEAD_BYTES = 256 << 10 };

SSL_CTX *tls_with(const char *certificate) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256")) {
        fail("OpenSSL can't do TLS 1.3");
    }
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, certificate, SSL_FILETYPE_PEM) != 1) {
        fail("%s: not a certificate and its key", certificate);
    }
    // Partial writes, since what goes out is moved to the front of its buffer.
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // OpenSSL sends without MSG_NOSIGNAL.
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD_BYTES);
    return context;
}

void begin_tls(struct crowd *crowd, struct leecher *leecher) {
    if (!crowd->tls) return;
    leecher->tls = SSL_new(crowd->tls);
    if (!leecher->tls || SSL_set_fd(leecher->tls, leecher->fd) != 1 ||
        SSL_set_tlsext_host_name(leecher->tls, crowd->server_name) != 1) {
        fail("no memory for TLS");
    }
    SSL_set_connect_state(leecher->tls);
}

void end_tls(struct leecher *leecher) {
    SSL_free(leecher->tls);
    leecher->tls = NULL;
}

static bool is_later(const struct leecher *leecher, int result) {
    int error = SSL_get_error(leecher->tls, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

ssize_t put_bytes(struct leecher *leecher, const void *bytes, size_t count, bool *is_waiting) {
    if (!leecher->tls) {
        ssize_t sent = send(leecher->fd, bytes, count, MSG_NOSIGNAL);
        *is_waiting = sent < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN);
        return sent;
    }
    size_t sent = 0;
    ERR_clear_error();
    int result = SSL_write_ex(leecher->tls, bytes, count, &sent);
    *is_waiting = result != 1 && is_later(leecher, result);
    return result == 1 ? (ssize_t)sent : -1;
}

ssize_t get_bytes(struct leecher *leecher, void *bytes, size_t count, bool *is_waiting) {
    if (!leecher->tls) {
        ssize_t received = recv(leecher->fd, bytes, count, bytes ? 0 : MSG_TRUNC);
        *is_waiting = received < 0 && (errno == EAGAIN || errno == EINTR);
        return received;
    }
    size_t received = 0;
    ERR_clear_error();
    int result = SSL_read_ex(leecher->tls, bytes, count, &received);
    *is_waiting = result != 1 && is_later(leecher, result);
    return result == 1 ? (ssize_t)received : -1;
}

bool has_more(const struct leecher *leecher) {
    return leecher->tls && SSL_has_pending(leecher->tls);
}

bool wants_to_send(const struct leecher *leecher) {
    return leecher->tls ? SSL_want_write(leecher->tls) : leecher->out_bytes > 0;
}
