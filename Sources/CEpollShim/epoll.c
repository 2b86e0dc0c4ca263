#define _GNU_SOURCE
#include "CEpollShim.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

_Static_assert(shim_epoll_in == EPOLLIN, "epoll_ctl(2)");
_Static_assert(shim_epoll_out == EPOLLOUT, "epoll_ctl(2)");
_Static_assert(shim_epoll_error == EPOLLERR, "epoll_ctl(2)");
_Static_assert(shim_epoll_hang_up == EPOLLHUP, "epoll_ctl(2)");

struct shim_epoll {
    int descriptor;
    int capacity;
    struct epoll_event events[];
};

shim_epoll *shim_epoll_create(int capacity) {
    shim_epoll *poller = malloc(sizeof *poller + (size_t)capacity * sizeof poller->events[0]);
    if (!poller) return NULL;
    poller->capacity = capacity;
    poller->descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (poller->descriptor < 0) {
        int error = errno;
        free(poller);
        errno = error;
        return NULL;
    }
    return poller;
}

void shim_epoll_destroy(shim_epoll *poller) {
    close(poller->descriptor);
    free(poller);
}

static int control(shim_epoll *poller, int operation, int descriptor, uint32_t events,
                   uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(poller->descriptor, operation, descriptor, &event) < 0 ? -errno : 0;
}

int shim_epoll_add(shim_epoll *poller, int descriptor, uint32_t events, uint64_t token) {
    return control(poller, EPOLL_CTL_ADD, descriptor, events, token);
}

int shim_epoll_modify(shim_epoll *poller, int descriptor, uint32_t events, uint64_t token) {
    return control(poller, EPOLL_CTL_MOD, descriptor, events, token);
}

int shim_epoll_remove(shim_epoll *poller, int descriptor) {
    return control(poller, EPOLL_CTL_DEL, descriptor, 0, 0);
}

int shim_epoll_wait(shim_epoll *poller, int timeout_ms) {
    int count = epoll_wait(poller->descriptor, poller->events, poller->capacity, timeout_ms);
    if (count >= 0) return count;
    return errno == EINTR ? 0 : -errno;
}

shim_epoll_event shim_epoll_event_at(const shim_epoll *poller, int index) {
    const struct epoll_event *event = &poller->events[index];
    return (shim_epoll_event){.token = event->data.u64, .events = event->events};
}
