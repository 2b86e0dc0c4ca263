#define _GNU_SOURCE
#include "announcers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_ROOM = 8192, EVENTS = 256, NET = 66, ADDRESSES = 4000 };

struct connection {
    int fd;
    bool is_watched, is_sent, is_waiting;
    double due;
    size_t length, received;
    char request[REQUEST_ROOM];
    uint8_t answer[ANSWER_ROOM];
};

struct run {
    struct load *load;
    struct outcome outcome;
    int poll, next_address;
    struct connection *connections;
    // Connections without a request, a stack.
    struct connection **free;
    long free_count;
    double end;
};

static void stop(struct run *run, struct connection *connection) {
    if (connection->fd >= 0) close(connection->fd);
    connection->fd = -1;
    connection->is_watched = false;
    if (!connection->is_waiting) return;
    connection->is_waiting = false;
    run->free[run->free_count++] = connection;
}

static void lose(struct run *run, struct connection *connection) {
    run->outcome.lost++;
    stop(run, connection);
}

static void send_request(struct run *run, struct connection *connection) {
    ssize_t count = send(connection->fd, connection->request, connection->length, MSG_NOSIGNAL);
    uint32_t events = EPOLLIN;
    if (count == (ssize_t)connection->length) connection->is_sent = true;
    else if (count < 0 && (errno == EAGAIN || errno == ENOTCONN)) events = EPOLLIN | EPOLLOUT;
    else return lose(run, connection);
    if (!connection->is_watched) watch(run->poll, connection->fd, events, connection);
    else if (events & EPOLLOUT) watch_again(run->poll, connection->fd, events, connection);
    connection->is_watched = true;
}

static void begin(struct run *run, double due) {
    struct connection *connection = run->free[--run->free_count];
    connection->due = due;
    connection->received = 0;
    connection->is_sent = false;
    connection->is_waiting = true;
    connection->length =
        put_http_announce(connection->request, run->load, some_peer(run->load));
    if (connection->fd < 0) {
        int address = run->next_address++ % ADDRESSES;
        connection->fd = connect_from(address_in(NET, address), run->load->to);
        if (connection->fd < 0) return lose(run, connection);
    }
    send_request(run, connection);
}

// The length of the answer with its head, once that is there; 0 before.
static size_t answer_length(const struct connection *connection) {
    const char *answer = (const char *)connection->answer;
    const char *end = memmem(answer, connection->received, "\r\n\r\n", 4);
    if (!end) return 0;
    const char *field = memmem(answer, (size_t)(end - answer), "ontent-Length:", 14);
    if (!field) fail("an answer without a length");
    return (size_t)(end + 4 - answer) + strtoul(field + 14, NULL, 10);
}

static void finish(struct run *run, struct connection *connection) {
    const uint8_t *answer = connection->answer;
    if (memmem(answer, connection->received, "14:failure reason", 17)) run->outcome.failed++;
    else run->outcome.answered++;
    run->outcome.bytes += connection->received;
    if (run->load->rate > 0) note_latency(&run->outcome, now() - connection->due);
    if (run->load->closes) return stop(run, connection);
    connection->is_waiting = false;
    run->free[run->free_count++] = connection;
}

static void read_answer(struct run *run, struct connection *connection) {
    size_t room = ANSWER_ROOM - connection->received;
    ssize_t count = recv(connection->fd, connection->answer + connection->received, room, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        // One that was kept open and is closed now has nothing to lose.
        if (connection->is_waiting) lose(run, connection);
        else stop(run, connection);
        return;
    }
    connection->received += (size_t)count;
    size_t length = answer_length(connection);
    if (length > 0 && connection->received >= length && connection->is_waiting) {
        finish(run, connection);
    }
}

static void turn(struct run *run, int timeout) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(run->poll, events, EVENTS, timeout);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection->fd < 0) continue;
        if (!connection->is_sent && events[i].events & EPOLLOUT) {
            send_request(run, connection);
            if (connection->is_sent) watch_again(run->poll, connection->fd, EPOLLIN, connection);
        }
        if (connection->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
            read_answer(run, connection);
        }
    }
}

static void saturate(struct run *run) {
    while (now() < run->end) {
        while (run->free_count > 0) begin(run, 0);
        turn(run, 50);
    }
}

static void keep_rate(struct run *run, double start) {
    double interval = 1 / run->load->rate, due = start;
    while (now() < run->end) {
        for (; run->free_count > 0 && due <= now(); due += interval) begin(run, due);
        turn(run, 0);
    }
}

static void open_run(struct run *run, struct load *load, long count) {
    *run = (struct run){.load = load, .poll = new_poll(), .end = now() + load->seconds};
    run->connections = calloc((size_t)count, sizeof *run->connections);
    run->free = calloc((size_t)count, sizeof(struct connection *));
    if (!run->connections || !run->free) fail("no memory");
    for (long i = 0; i < count; i++) {
        run->connections[i].fd = -1;
        run->free[run->free_count++] = &run->connections[i];
    }
}

struct outcome announce_over_http(struct load *load) {
    struct run run;
    open_run(&run, load, load->under_way);
    double start = now(), cpu = processor_seconds(load->server), own = processor_seconds(getpid());
    if (load->rate > 0) keep_rate(&run, start);
    else saturate(&run);
    run.outcome.seconds = now() - start;
    run.outcome.server_cpu = processor_seconds(load->server) - cpu;
    run.outcome.own_cpu = processor_seconds(getpid()) - own;
    return run.outcome;
}

void hold_connections(struct load *load, long count, bool announces) {
    struct run run;
    long connected = 0;
    load->closes = false;
    open_run(&run, load, count);
    // Some at a time, so that none waits in a full backlog.
    for (long i = 0; i < count; i++) {
        if (announces) {
            begin(&run, 0);
            while (run.free_count < count - i) turn(&run, 1000);
            struct connection *last = run.free[--run.free_count];
            connected += last->fd >= 0;
        } else {
            int fd = connect_from(address_in(NET, (int)(i % ADDRESSES)), load->to);
            connected += fd >= 0;
            if (i % 64 == 63) usleep(1000);
        }
    }
    printf("{\"connected\":%ld,\"failed\":%llu}\n", connected,
           (unsigned long long)(run.outcome.failed + run.outcome.lost));
    fflush(stdout);
    while (getchar() != EOF) continue;
}
