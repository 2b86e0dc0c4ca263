#define _GNU_SOURCE
#include "session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// Older headers lack it.
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

// A session ----------------------------------------------------------------------------------------

int ctls_session_use_socket(ctls_session *session, int socket) {
    SSL *ssl = session->ssl;
    BIO *input = SSL_get_rbio(ssl);
    BIO_up_ref(input);
    SSL_set_options(ssl, SSL_OP_ENABLE_KTLS);
    // Readies the socket for the kernel's keys too. What is received comes as before.
    int is_done = SSL_set_fd(ssl, socket);
    SSL_set0_rbio(ssl, input);
    return is_done;
}

int ctls_session_settle(ctls_session *session) {
    SSL *ssl = session->ssl;
    if (BIO_get_ktls_send(SSL_get_wbio(ssl))) return 1;
    BIO *memory = SSL_get_rbio(ssl);
    BIO_up_ref(memory);
    SSL_set0_wbio(ssl, memory);
    return 0;
}

ssize_t ctls_session_send_file(void *session, int file, off_t offset, size_t count) {
    ERR_clear_error();
    // Unless the system says what is wrong, OpenSSL itself refuses.
    errno = EPROTO;
    ssize_t sent = SSL_sendfile(((ctls_session *)session)->ssl, file, offset, count, 0);
    int error = errno;
    ERR_clear_error();
    errno = error;
    return sent;
}

// The machine --------------------------------------------------------------------------------------

// Both ends of a connection over the loopback.
static int connect_pair(int ends[2]) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *name = (struct sockaddr *)&address;
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) return 0;
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ends[1] = -1;
    if (ends[0] >= 0 && bind(listener, name, length) == 0 && listen(listener, 1) == 0 &&
        getsockname(listener, name, &length) == 0 && connect(ends[0], name, length) == 0) {
        ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    }
    close(listener);
    if (ends[1] >= 0) return 1;
    if (ends[0] >= 0) close(ends[0]);
    return 0;
}

// A key, and a certificate that nobody will see.
static int present_something(SSL_CTX *ssl) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    int is_presented = key && certificate && X509_set_version(certificate, X509_VERSION_3) &&
                       X509_gmtime_adj(X509_getm_notBefore(certificate), 0) &&
                       X509_gmtime_adj(X509_getm_notAfter(certificate), 60) &&
                       X509_set_pubkey(certificate, key) &&
                       X509_sign(certificate, key, EVP_sha256()) &&
                       SSL_CTX_use_certificate(ssl, certificate) == 1 &&
                       SSL_CTX_use_PrivateKey(ssl, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return is_presented;
}

// Whether the kernel sends for the server, once both have shaken hands.
static int kernel_sends(SSL *server, SSL *client, const int ends[2]) {
    enum { rounds = 20, milliseconds = 50 };
    SSL_set_options(server, SSL_OP_ENABLE_KTLS);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    if (!SSL_set_fd(client, ends[0]) || !SSL_set_fd(server, ends[1])) return 0;
    for (int round = 0; round < rounds; round++) {
        int client_is_done = SSL_do_handshake(client) == 1;
        int server_is_done = SSL_do_handshake(server) == 1;
        if (client_is_done && server_is_done) return BIO_get_ktls_send(SSL_get_wbio(server));
        struct pollfd waiting = {client_is_done ? ends[1] : ends[0], POLLIN, 0};
        poll(&waiting, 1, milliseconds);
    }
    return 0;
}

static int try_handshake(const int ends[2]) {
    ctls_context *server = ctls_context_create(1);
    ctls_context *client = ctls_context_create(0);
    SSL *near = NULL, *far = NULL;
    int is_offered = server && client && present_something(server->ssl) &&
                     (near = SSL_new(server->ssl)) && (far = SSL_new(client->ssl)) &&
                     kernel_sends(near, far, ends);
    SSL_free(near);
    SSL_free(far);
    if (server) ctls_context_destroy(server);
    if (client) ctls_context_destroy(client);
    ERR_clear_error();
    return is_offered;
}

ctls_kernel ctls_probe_kernel(void) {
#ifdef OPENSSL_NO_KTLS
    return ctls_kernel_not_in_library;
#else
    int ends[2];
    if (!connect_pair(ends)) return ctls_kernel_not_offered;
    ctls_kernel answer = ctls_kernel_not_offered;
    int is_nonblocking = 1;
    if (setsockopt(ends[1], IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") == 0 &&
        ioctl(ends[0], FIONBIO, &is_nonblocking) == 0) {
        answer = try_handshake(ends) ? ctls_kernel_offered : ctls_kernel_not_in_library;
    }
    close(ends[0]);
    close(ends[1]);
    return answer;
#endif
}

const char *ctls_library(void) { return OpenSSL_version(OPENSSL_FULL_VERSION_STRING); }
