#define _GNU_SOURCE
#include "CEpollShim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct shim_datagrams {
    unsigned count;
    size_t size;
    struct mmsghdr *headers;
    struct iovec *vectors;
    struct sockaddr_storage *addresses;
    unsigned char *bytes;
};

shim_datagrams *shim_datagrams_create(unsigned count, size_t size) {
    shim_datagrams *batch = calloc(1, sizeof *batch);
    if (!batch) return NULL;
    batch->count = count;
    batch->size = size;
    batch->headers = calloc(count, sizeof *batch->headers);
    batch->vectors = calloc(count, sizeof *batch->vectors);
    batch->addresses = calloc(count, sizeof *batch->addresses);
    batch->bytes = malloc(count * size);
    if (!batch->headers || !batch->vectors || !batch->addresses || !batch->bytes) {
        shim_datagrams_destroy(batch);
        return NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        batch->vectors[i].iov_base = batch->bytes + i * size;
        batch->headers[i].msg_hdr.msg_iov = &batch->vectors[i];
        batch->headers[i].msg_hdr.msg_iovlen = 1;
        batch->headers[i].msg_hdr.msg_name = &batch->addresses[i];
    }
    return batch;
}

void shim_datagrams_destroy(shim_datagrams *batch) {
    free(batch->headers);
    free(batch->vectors);
    free(batch->addresses);
    free(batch->bytes);
    free(batch);
}

int shim_datagrams_receive(shim_datagrams *batch, int descriptor) {
    // The kernel leaves what it received in these fields.
    for (unsigned i = 0; i < batch->count; i++) {
        batch->vectors[i].iov_len = batch->size;
        batch->headers[i].msg_hdr.msg_namelen = sizeof batch->addresses[i];
    }
    int count;
    do {
        count = recvmmsg(descriptor, batch->headers, batch->count, MSG_DONTWAIT, NULL);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

int shim_datagrams_send(shim_datagrams *batch, int descriptor, unsigned first, unsigned count) {
    int sent;
    do {
        sent = sendmmsg(descriptor, batch->headers + first, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

void *shim_datagrams_bytes(shim_datagrams *batch, unsigned index) {
    return batch->vectors[index].iov_base;
}

size_t shim_datagrams_length(const shim_datagrams *batch, unsigned index) {
    return batch->headers[index].msg_len;
}

int shim_datagrams_is_truncated(const shim_datagrams *batch, unsigned index) {
    return (batch->headers[index].msg_hdr.msg_flags & MSG_TRUNC) != 0;
}

const void *shim_datagrams_address(const shim_datagrams *batch, unsigned index) {
    return &batch->addresses[index];
}

void shim_datagrams_set(shim_datagrams *batch, unsigned index, size_t length,
                        const void *address, uint32_t address_length) {
    batch->vectors[index].iov_len = length;
    memcpy(&batch->addresses[index], address, address_length);
    batch->headers[index].msg_hdr.msg_namelen = address_length;
}
