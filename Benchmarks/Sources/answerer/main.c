// The limit for trackers: answers announces and scrapes over UDP and HTTP with so many bytes, without
// looking anything up, on one thread.
#define _GNU_SOURCE
#include "CLoad.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512, ROOM = 4096, ANNOUNCE = 1, SCRAPE = 2, SCRAPED_BYTES = 12 };

struct server {
    int poll, listener, datagrams;
    long datagram_bytes;
    // The whole HTTP answers, for a connection that is kept and one that isn't.
    char kept[ROOM], closed[ROOM];
    size_t kept_length, closed_length;
};

static void answer_datagrams(struct server *server) {
    uint8_t bytes[ROOM];
    struct sockaddr_in from;
    while (true) {
        socklen_t length = sizeof from;
        struct sockaddr *address = (struct sockaddr *)&from;
        ssize_t count = recvfrom(server->datagrams, bytes, sizeof bytes, MSG_DONTWAIT, address, &length);
        if (count < 0) return;
        if (count < 16) continue;
        uint32_t action = get32(bytes + 8), transaction = get32(bytes + 12);
        size_t answer = 16;
        if (action == ANNOUNCE) answer = (size_t)server->datagram_bytes;
        if (action == SCRAPE) answer = 8 + ((size_t)count - 16) / 20 * SCRAPED_BYTES;
        put32(bytes, action);
        put32(bytes + 4, transaction);
        sendto(server->datagrams, bytes, answer, MSG_DONTWAIT, address, length);
    }
}

static void answer_request(struct server *server, int fd) {
    char request[ROOM];
    ssize_t count = recv(fd, request, sizeof request, 0);
    if (count < 0 && errno == EAGAIN) return;
    bool ends = count <= 0 || memmem(request, (size_t)count, "Connection: close", 17);
    if (count > 0) {
        send(fd, ends ? server->closed : server->kept,
             ends ? server->closed_length : server->kept_length, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (ends) close(fd);
}

static void accept_connections(struct server *server) {
    for (int i = 0; i < 64; i++) {
        int fd = accept_at(server->listener);
        if (fd < 0) return;
        watch(server->poll, fd, EPOLLIN, (void *)(intptr_t)fd);
    }
}

static size_t put_answer(char *text, const char *connection, long bytes) {
    int head = snprintf(text, ROOM, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n%s"
                        "Content-Length: %05ld\r\n\r\n", connection, bytes);
    long body = bytes - head;
    if (body < 20 || bytes > ROOM - 128) fail("--http-bytes: out of range");
    head = snprintf(text, ROOM, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n%s"
                    "Content-Length: %05ld\r\n\r\n", connection, body);
    memset(text + head, 'x', (size_t)body);
    return (size_t)(head + body);
}

int main(int argc, char **argv) {
    const char *at = NULL;
    long datagram_bytes = 200, http_bytes = 400;
    const struct program_option options[] = {
        {"listen", TEXT, &at},
        {"datagram-bytes", NUMBER, &datagram_bytes}, // of the answer to an announce
        {"http-bytes", NUMBER, &http_bytes},         // with its head
    };
    read_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (datagram_bytes < 20 || datagram_bytes > ROOM) fail("--datagram-bytes: out of range");
    allow_many_files();
    struct sockaddr_in address = address_of(at);
    struct server *server = calloc(1, sizeof *server);
    if (!server) fail("no memory");
    server->datagram_bytes = datagram_bytes;
    server->kept_length = put_answer(server->kept, "", http_bytes);
    server->closed_length = put_answer(server->closed, "Connection: close\r\n", http_bytes);
    server->poll = new_poll();
    server->listener = listen_at(address);
    server->datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(server->datagrams, (struct sockaddr *)&address, sizeof address) != 0) {
        fail("listening at %s: %s", at, strerror(errno));
    }
    watch(server->poll, server->listener, EPOLLIN, (void *)(intptr_t)server->listener);
    watch(server->poll, server->datagrams, EPOLLIN, (void *)(intptr_t)server->datagrams);
    puts("listening");
    fflush(stdout);
    while (true) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(server->poll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = (int)(intptr_t)events[i].data.ptr;
            if (fd == server->datagrams) answer_datagrams(server);
            else if (fd == server->listener) accept_connections(server);
            else answer_request(server, fd);
        }
    }
}
