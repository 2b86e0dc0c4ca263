#define _GNU_SOURCE
#include "CEpollShim.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

shim_frames_result shim_send_frames(int socket, const shim_frames *frames, size_t length) {
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
            count = sendfile(socket, frames->file, &from, part < left ? part : left);
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
