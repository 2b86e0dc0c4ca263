// TLS 1.3 by OpenSSL, as a machine without a socket: received bytes go in, bytes to be sent come out
// behind each other in one buffer, so that the records of many writes go out in one call.
//
// A session belongs to one thread at a time; a context may be shared by threads once it is set up.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct ctls_context ctls_context;
typedef struct ctls_session ctls_session;

/// Bytes that grow at the end.
typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
} ctls_buffer;

void ctls_buffer_append(ctls_buffer *buffer, const void *bytes, size_t count);
/// Drops all bytes, and the memory too if `keeps_memory` is 0.
void ctls_buffer_clear(ctls_buffer *buffer, int keeps_memory);

// Contexts ---------------------------------------------------------------------------------------

/// NULL: OpenSSL has no memory, or lacks TLS 1.3.
ctls_context *ctls_context_create(int is_server);
/// Sessions that it has made go on.
void ctls_context_destroy(ctls_context *context);
/// Presents the first certificate of `certificates` (PEM), with those behind it as its chain, and
/// `key`. 0 if they can't be used, with the cause in `ctls_last_error`.
int ctls_context_present(ctls_context *context, const void *certificates, size_t certificates_count,
                         const void *key, size_t key_count);

/// Takes only ends with a certificate that one of `authorities` (PEM) has signed. 0 if they can't be
/// read.
int ctls_context_trust(ctls_context *context, const void *authorities, size_t count);

/// The context for who asks for a name, to be there until the handshake goes on; NULL refuses.
typedef ctls_context *(*ctls_chooser)(void *user, const char *name);

/// Has a server's sessions go on with the context that is chosen by the name the client asks for;
/// who asks for none is refused.
void ctls_context_set_chooser(ctls_context *context, ctls_chooser chooser, void *user);

// Sessions ---------------------------------------------------------------------------------------

/// NULL: no memory.
ctls_session *ctls_session_create(ctls_context *context);
void ctls_session_destroy(ctls_session *session);

/// What a client asks for: the server name indication, RFC 6066.
void ctls_session_set_server_name(ctls_session *session, const char *name);
/// What the client has asked for, or NULL; valid as long as the session.
const char *ctls_session_server_name(const ctls_session *session);

/// Where what is to be sent is appended to; to be there for every call that follows.
void ctls_session_set_output(ctls_session *session, ctls_buffer *output);
/// What has been received, for the calls that follow until it is used up.
void ctls_session_set_input(ctls_session *session, const void *bytes, size_t count);

typedef enum {
    ctls_done,
    /// It can't go on before more has been received.
    ctls_wants_input,
    /// It can't go on before the socket takes more; only where a session uses one.
    ctls_wants_room,
    /// The other end has said that it sends no more.
    ctls_ended,
    ctls_failed,
} ctls_outcome;

/// Goes on with the handshake.
ctls_outcome ctls_session_handshake(ctls_session *session);
/// Decrypts up to `capacity` bytes of the input. `ctls_done`: `*count` of them, and there may be more.
ctls_outcome ctls_session_read(ctls_session *session, void *bytes, size_t capacity, size_t *count);
/// Encrypts `count` bytes, at least 1, in records of 16 KiB. `ctls_done` or `ctls_failed`.
ctls_outcome ctls_session_write(ctls_session *session, const void *bytes, size_t count);
/// Says that no more will be sent. 0: to be done again once the socket takes more.
int ctls_session_end(ctls_session *session);
/// Changes this end's keys with the next bytes written.
void ctls_session_update_keys(ctls_session *session);

// Kernel TLS: once the keys are known the socket encrypts what is sent, files without a copy ------

typedef enum {
    ctls_kernel_offered,
    ctls_kernel_not_offered,
    /// The kernel offers it, and OpenSSL makes no use of that.
    ctls_kernel_not_in_library,
} ctls_kernel;

/// Tries it: a handshake with itself over the loopback.
ctls_kernel ctls_probe_kernel(void);
/// "3.0.11", say.
const char *ctls_library(void);

/// Before the handshake: has OpenSSL send through a connected socket by itself, and give the kernel
/// the keys. 0: no memory.
int ctls_session_use_socket(ctls_session *session, int socket);
/// After the handshake of a session that uses a socket. 1: the socket encrypts what is sent, and
/// neither `ctls_session_write` nor `ctls_session_update_keys` may be called. 0: the kernel has not
/// taken the keys, and all goes on as without a socket.
int ctls_session_settle(ctls_session *session);
/// SSL_sendfile(3) of a session whose socket encrypts; a `shim_file_sender`.
ssize_t ctls_session_send_file(void *session, int file, off_t offset, size_t count);

// What was wrong -----------------------------------------------------------------------------------

typedef enum {
    /// What came isn't TLS.
    ctls_not_tls,
    /// The other end has sent an alert; the text is what it says.
    ctls_alert,
    /// The other end's certificate isn't taken; the text says why.
    ctls_certificate,
    /// Anything else; the text is OpenSSL's.
    ctls_other,
} ctls_failure_kind;

/// What failed last in this session. The text is static or the session's, and never NULL.
ctls_failure_kind ctls_session_failure(const ctls_session *session, const char **text);

/// The other end's certificate in DER: its length, 0 if there is none, copied to `bytes` as far as
/// `capacity` allows.
size_t ctls_session_certificate(const ctls_session *session, void *bytes, size_t capacity);
/// "TLS_AES_128_GCM_SHA256", say.
const char *ctls_session_cipher(const ctls_session *session);

/// The words of the calling thread's last error, and forgets it. Static.
const char *ctls_last_error(void);
