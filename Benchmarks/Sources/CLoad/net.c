#define _GNU_SOURCE
#include "CLoad.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double seconds_of(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) != 0) return 0;
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double now(void) { return seconds_of(CLOCK_MONOTONIC); }

double processor_seconds(pid_t pid) {
    clockid_t clock;
    if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0) return 0;
    return seconds_of(clock);
}

long memory_of(pid_t pid, const char *key) {
    char path[40], line[256];
    long kibibytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) {
        size_t length = strlen(key);
        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            kibibytes = strtol(line + length + 1, NULL, 10);
            break;
        }
    }
    fclose(file);
    return kibibytes << 10;
}

struct sockaddr_in address_of(const char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[16];
    unsigned port;
    if (!text || sscanf(text, "%15[0-9.]:%u", host, &port) != 2 || port > 65535 ||
        inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        fail("%s: not IP:PORT", text ? text : "an address is missing");
    }
    address.sin_port = htons((uint16_t)port);
    return address;
}

struct in_addr address_in(int net, int index) {
    uint32_t host = (uint32_t)(index / 250) << 8 | (uint32_t)(index % 250 + 1);
    uint32_t address = net ? 127u << 24 | (uint32_t)net << 16 | host : INADDR_LOOPBACK;
    return (struct in_addr){.s_addr = htonl(address)};
}

static int new_socket(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket: %s", strerror(errno));
    return fd;
}

int connect_from(struct in_addr source, struct sockaddr_in to) {
    int fd = new_socket(), on = 1;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = source};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // The port is chosen with the connection: the same one may serve for other destinations.
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0) fail("bind: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

int listen_at(struct sockaddr_in address) {
    int fd = new_socket(), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0) {
        fail("listening at port %d: %s", ntohs(address.sin_port), strerror(errno));
    }
    return fd;
}

int accept_at(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int new_poll(void) {
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0) fail("epoll: %s", strerror(errno));
    return poll;
}

static void control(int poll, int operation, int fd, uint32_t events, void *data) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    if (epoll_ctl(poll, operation, fd, &event) != 0) fail("epoll: %s", strerror(errno));
}

void watch(int poll, int fd, uint32_t events, void *data) {
    control(poll, EPOLL_CTL_ADD, fd, events, data);
}

void watch_again(int poll, int fd, uint32_t events, void *data) {
    control(poll, EPOLL_CTL_MOD, fd, events, data);
}

const uint8_t *map_file(const char *path, uint64_t bytes, int *fd) {
    *fd = open(path ? path : "", O_RDONLY | O_CLOEXEC);
    if (*fd < 0) fail("%s: %s", path ? path : "a file", strerror(errno));
    void *mapping = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, *fd, 0);
    if (mapping == MAP_FAILED) fail("%s: %s", path, strerror(errno));
    return mapping;
}

void allow_many_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}
