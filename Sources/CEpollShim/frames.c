#define _GNU_SOURCE
#include "CEpollShim.h"

#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

shim_frames_result shim_send_frames(int socket, const shim_frames *frames, size_t length,
                                    shim_file_sender send_file, void *user) {
    shim_frames_result result = {0, shim_frames_all_sent, 0};
    const char *header = frames->headers;
    off_t offset = frames->offset;
    size_t position = frames->position;
    const size_t header_length = frames->header_length;
    const size_t frame_length = header_length + frames->range_length;
    while (result.sent < length) {
        size_t left = length - result.sent;
        int is_header = position < header_length;
        ssize_t count;
        if (is_header) {
            size_t part = header_length - position;
            count = send(socket, header + position, part < left ? part : left,
                         MSG_NOSIGNAL | MSG_MORE);
        } else {
            size_t part = frame_length - position;
            off_t from = offset + (off_t)(position - header_length);
            if (left < part) part = left;
            count = send_file ? send_file(user, frames->file, from, part)
                              : sendfile(socket, frames->file, &from, part);
        }
        if (count > 0) {
            result.sent += (size_t)count;
            position += (size_t)count;
            if (position < frame_length) continue;
            position = 0;
            header += header_length;
            offset += (off_t)frames->range_length;
        } else if (count == 0) {
            result.outcome = shim_frames_file_ended;
            break;
        } else if (errno != EINTR) {
            result.error = errno;
            result.outcome = is_header ? shim_frames_socket_error : shim_frames_file_error;
            break;
        }
    }
    return result;
}

// Fills all parts, or gives an error number, or -1 where the file has ended.
static int read_parts(int file, struct iovec *parts, int count, off_t offset) {
    while (count > 0) {
        ssize_t length = preadv(file, parts, count, offset);
        if (length == 0) return -1;
        if (length < 0) {
            if (errno == EINTR) continue;
            return errno;
        }
        offset += length;
        while (count > 0 && (size_t)length >= parts->iov_len) {
            length -= (ssize_t)parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + length;
            parts->iov_len -= (size_t)length;
        }
    }
    return 0;
}

static shim_frames_result not_read(int error) {
    shim_frames_outcome outcome = error < 0 ? shim_frames_file_ended : shim_frames_file_error;
    return (shim_frames_result){0, outcome, error < 0 ? 0 : error};
}

shim_frames_result shim_read_frames(const shim_frames *frames, size_t length, void *bytes) {
    enum { most_parts = 64 };
    struct iovec parts[most_parts];
    int count = 0;
    char *to = bytes;
    char *const end = to + length;
    const char *header = frames->headers;
    const size_t header_length = frames->header_length;
    const size_t frame_length = header_length + frames->range_length;
    size_t position = frames->position;
    size_t sent_of_range = position > header_length ? position - header_length : 0;
    off_t offset = frames->offset + (off_t)sent_of_range;
    off_t read_from = offset;
    while (to < end) {
        size_t left = (size_t)(end - to);
        if (position < header_length) {
            size_t part = header_length - position < left ? header_length - position : left;
            memcpy(to, header + position, part);
            to += part;
            position += part;
            continue;
        }
        size_t part = frame_length - position < left ? frame_length - position : left;
        parts[count++] = (struct iovec){to, part};
        to += part;
        offset += (off_t)part;
        position = 0;
        header += header_length;
        if (count < most_parts) continue;
        int error = read_parts(frames->file, parts, count, read_from);
        if (error != 0) return not_read(error);
        read_from = offset;
        count = 0;
    }
    int error = read_parts(frames->file, parts, count, read_from);
    if (error != 0) return not_read(error);
    return (shim_frames_result){length, shim_frames_all_sent, 0};
}
