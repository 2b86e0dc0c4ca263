// The limit that downloads are held against: one thread that takes a file from sharers at ports one
// after the other, hashes each byte by SHA-1 while it is in the cache, and writes it with pwritev(2).
// Each connection takes whole pieces, in order. Exits with 1 when a piece is wrong.
#include "CLoad.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    RECEIVE_BYTES = 256 << 10,
    PARTS_MAX = 64,
    EVENTS_MAX = 64,
    // The greeting of a sharer; a block's header is shorter.
    HEAD_BYTES = 256,
};

struct connection {
    int fd;
    bool is_greeted, is_unchoked;
    uint8_t head[HEAD_BYTES];
    uint32_t had, needed, skip;
    uint32_t block_rest; // bytes of the block that is coming

    // What is asked for runs ahead of what comes, through the same pieces.
    uint32_t asked_piece, asked_bytes;
    uint32_t outstanding;
    uint32_t piece, piece_bytes;
    EVP_MD_CTX *hash;
};

struct download {
    struct torrent torrent;
    const uint8_t *hashes; // 20 bytes a piece
    int file;
    int poll;
    uint32_t pipeline;
    uint32_t next_piece, good;
    // What the last receive brought of one piece, to be written in one call.
    struct iovec parts[PARTS_MAX];
    int part_count;
    off_t parts_offset;
};

static uint8_t received[RECEIVE_BYTES];

static void ask(struct download *download, struct connection *connection) {
    uint8_t requests[128 * REQUEST_BYTES];
    size_t bytes = 0;
    while (connection->is_unchoked && connection->outstanding < download->pipeline) {
        if (connection->asked_piece == UINT32_MAX) {
            if (download->next_piece == download->torrent.pieces) break;
            connection->asked_piece = download->next_piece++;
            connection->asked_bytes = 0;
        }
        uint32_t whole = piece_length(&download->torrent, connection->asked_piece);
        uint32_t rest = whole - connection->asked_bytes;
        struct request request = {connection->asked_piece, connection->asked_bytes,
                                  rest < BLOCK_BYTES ? rest : BLOCK_BYTES};
        put_request(requests + bytes, REQUEST, request);
        bytes += REQUEST_BYTES;
        connection->outstanding++;
        connection->asked_bytes += request.length;
        if (connection->asked_bytes == whole) connection->asked_piece = UINT32_MAX;
    }
    // A sharer reads all the time: so little always has room.
    if (bytes > 0 && send(connection->fd, requests, bytes, MSG_NOSIGNAL) != (ssize_t)bytes) {
        fail("send: %s", strerror(errno));
    }
}

static void write_parts(struct download *download) {
    off_t offset = download->parts_offset;
    struct iovec *part = download->parts;
    int count = download->part_count;
    while (count > 0) {
        ssize_t written = pwritev(download->file, part, count, offset);
        if (written < 0) fail("pwritev: %s", strerror(errno));
        offset += written;
        while (count > 0 && (size_t)written >= part->iov_len) {
            written -= (ssize_t)part->iov_len;
            part++;
            count--;
        }
        if (count > 0) {
            part->iov_base = (uint8_t *)part->iov_base + written;
            part->iov_len -= (size_t)written;
        }
    }
    download->part_count = 0;
}

static void finish_piece(struct download *download, struct connection *connection) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    EVP_DigestFinal_ex(connection->hash, digest, NULL);
    if (memcmp(digest, download->hashes + (size_t)connection->piece * 20, 20) != 0) {
        fail("piece %u is wrong", connection->piece);
    }
    download->good++;
    connection->piece_bytes = 0;
}

static void take_block(struct download *download, struct connection *connection,
                       const uint8_t *bytes, uint32_t count) {
    if (connection->piece_bytes == 0) EVP_DigestInit_ex(connection->hash, EVP_sha1(), NULL);
    EVP_DigestUpdate(connection->hash, bytes, count);
    off_t offset = (off_t)connection->piece * download->torrent.piece_bytes +
                   connection->piece_bytes;
    // With a new piece another place of the file begins.
    if (download->part_count == PARTS_MAX || connection->piece_bytes == 0) write_parts(download);
    if (download->part_count == 0) download->parts_offset = offset;
    download->parts[download->part_count++] = (struct iovec){(void *)bytes, count};
    connection->piece_bytes += count;
    connection->block_rest -= count;
    if (connection->block_rest > 0) return;
    connection->outstanding--;
    if (connection->piece_bytes == piece_length(&download->torrent, connection->piece)) {
        finish_piece(download, connection);
    }
}

static void greet(struct download *download, struct connection *connection) {
    uint8_t message[128 + 10] = {0, 0, 0, 1, HAVE_NONE, 0, 0, 0, 1, INTERESTED};
    if (!is_handshake(connection->head, &download->torrent)) fail("no handshake");
    connection->is_greeted = true;
    if (send(connection->fd, message, 10, MSG_NOSIGNAL) != 10) fail("send: %s", strerror(errno));
}

// The head has what was needed: more of it is, or it is handled.
static void take_head(struct download *download, struct connection *connection) {
    uint32_t length = get32(connection->head);
    if (!connection->is_greeted) {
        greet(download, connection);
    } else if (connection->needed == 4 && length > 0) {
        connection->needed = 5;
        return;
    } else if (connection->needed == 5 && connection->head[4] == PIECE) {
        connection->needed = PIECE_HEADER_BYTES;
        return;
    } else if (connection->needed == PIECE_HEADER_BYTES) {
        connection->piece = get32(connection->head + 5);
        connection->block_rest = length - 9;
        // Sharers answer in order, so a piece comes from its beginning to its end.
        if (get32(connection->head + 9) != connection->piece_bytes) fail("out of order");
    } else if (length > 0) {
        if (connection->head[4] == UNCHOKE) connection->is_unchoked = true;
        connection->skip = length - 1;
    }
    connection->had = 0;
    connection->needed = 4;
}

static void receive(struct download *download, struct connection *connection) {
    ssize_t got = recv(connection->fd, received, sizeof received, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) fail("a sharer has gone");
    const uint8_t *bytes = received;
    uint32_t count = (uint32_t)got;
    while (count > 0) {
        uint32_t *rest = connection->skip ? &connection->skip : &connection->block_rest;
        uint32_t missing = *rest ? *rest : connection->needed - connection->had;
        uint32_t part = count < missing ? count : missing;
        if (connection->skip) {
            connection->skip -= part;
        } else if (connection->block_rest) {
            take_block(download, connection, bytes, part);
        } else {
            memcpy(connection->head + connection->had, bytes, part);
            connection->had += part;
            if (connection->had == connection->needed) take_head(download, connection);
        }
        bytes += part;
        count -= part;
    }
    write_parts(download);
    ask(download, connection);
}

static void connect_all(struct download *download, struct sockaddr_in first, int count) {
    for (int i = 0; i < count; i++) {
        struct connection *connection = calloc(1, sizeof *connection);
        uint8_t handshake[HANDSHAKE_BYTES];
        struct sockaddr_in to = first;
        if (!connection) fail("no memory");
        to.sin_port = htons((uint16_t)(ntohs(first.sin_port) + i));
        connection->hash = EVP_MD_CTX_new();
        connection->asked_piece = UINT32_MAX;
        connection->needed = HANDSHAKE_BYTES;
        connection->fd = connect_from(address_in(0, 0), to);
        if (connection->fd < 0) fail("connect: %s", strerror(errno));
        put_handshake(handshake, &download->torrent, "RC", i, true);
        // On loopback a connection is there at once.
        if (send(connection->fd, handshake, sizeof handshake, MSG_NOSIGNAL) < 0) {
            fail("port %d: %s", ntohs(to.sin_port), strerror(errno));
        }
        watch(download->poll, connection->fd, EPOLLIN, connection);
    }
}

int main(int argc, char **argv) {
    const char *from = NULL, *file = NULL, *hashes = NULL, *info_hash = NULL;
    long bytes = 0, piece = 0, count = 1, pipeline = 64;
    const struct program_option options[] = {
        {"from", TEXT, &from},     // IP:PORT of the first sharer; the others follow
        {"file", TEXT, &file},     // what is written
        {"hashes", TEXT, &hashes}, // a file of 20 bytes for each piece
        {"info-hash", TEXT, &info_hash},
        {"bytes", NUMBER, &bytes},
        {"piece", NUMBER, &piece},
        {"count", NUMBER, &count},       // sharers
        {"pipeline", NUMBER, &pipeline}, // requests under way at each
    };
    read_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (count < 1 || pipeline < 1 || pipeline > 128 || !file) fail("out of range");
    struct download download = {
        .torrent = torrent_of(info_hash, (uint64_t)bytes, (uint32_t)piece),
        .poll = new_poll(),
        .pipeline = (uint32_t)pipeline,
        .file = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600),
    };
    int descriptor;
    download.hashes = map_file(hashes, (uint64_t)download.torrent.pieces * 20, &descriptor);
    if (download.file < 0 || posix_fallocate(download.file, 0, bytes) != 0) fail("%s", file);
    connect_all(&download, address_of(from), (int)count);
    while (download.good < download.torrent.pieces) {
        struct epoll_event events[EVENTS_MAX];
        int ready = epoll_wait(download.poll, events, EVENTS_MAX, 10000);
        if (ready == 0) fail("nothing comes");
        for (int i = 0; i < ready; i++) receive(&download, events[i].data.ptr);
    }
    return 0;
}
