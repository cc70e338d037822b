/* The jobs of frames.rs in C: a child writes the messages, the parent reads
 * them, both through buffers of 8 KiB.
 *
 * needs: program:cc
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGES = 5000000, SIZE = 32, BUFFER = 8192 };
enum framing { FIXED, LENGTH, DELIMITER };
static const char message[] = "catA wears a hatC, and catC two.";

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void write_all(int fd, const char *data, size_t length) {
    while (length > 0) {
        ssize_t count = write(fd, data, length);
        if (count < 0) fail("write");
        data += count;
        length -= (size_t)count;
    }
}

static void send_messages(int fd, enum framing framing) {
    char buffer[BUFFER + SIZE + 4];
    size_t length = 0;
    for (int i = 0; i < MESSAGES; i++) {
        if (framing == LENGTH) {
            uint32_t prefix = htonl(SIZE);
            memcpy(buffer + length, &prefix, 4);
            length += 4;
        }
        memcpy(buffer + length, message, SIZE);
        length += SIZE;
        if (framing == DELIMITER) buffer[length++] = '\n';
        if (length >= BUFFER) {
            write_all(fd, buffer, length);
            length = 0;
        }
    }
    write_all(fd, buffer, length);
}

/* The length of the message at the start of `data`, and in `*frame` of all
 * that belongs to it; -1 if it is not all there. */
static ssize_t next(enum framing framing, const char *data, size_t length,
                    size_t *frame, size_t *start) {
    *start = 0;
    if (framing == FIXED) {
        *frame = SIZE;
        if (length < SIZE) return -1;
        size_t end = SIZE;
        while (end > 0 && data[end - 1] == 0) end--;
        return (ssize_t)end;
    }
    if (framing == LENGTH) {
        uint32_t prefix;
        if (length < 4) return -1;
        memcpy(&prefix, data, 4);
        prefix = ntohl(prefix);
        if (prefix > BUFFER - 4) exit(1);
        if (length < 4 + (size_t)prefix) return -1;
        *start = 4;
        *frame = 4 + (size_t)prefix;
        return (ssize_t)prefix;
    }
    const char *end = memchr(data, '\n', length);
    if (end == NULL) return -1;
    *frame = (size_t)(end - data) + 1;
    return end - data;
}

static int receive_messages(int fd, enum framing framing) {
    char buffer[BUFFER];
    size_t held = 0;
    int count = 0;
    for (;;) {
        ssize_t got = read(fd, buffer + held, BUFFER - held);
        if (got < 0) fail("read");
        if (got == 0) return count;
        held += (size_t)got;
        size_t at = 0, frame, start;
        ssize_t length;
        while ((length = next(framing, buffer + at, held - at, &frame,
                              &start)) >= 0) {
            if (length == SIZE && !memcmp(buffer + at + start, message, SIZE))
                count++;
            at += frame;
        }
        held -= at;
        memmove(buffer, buffer + at, held);
    }
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void job(const char *name, enum framing framing) {
    const char *only = getenv("BENCH_ONLY");
    if (only && !strstr(name, only)) return;
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, size)) fail("bind");
    if (listen(listener, 1)) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    double begin = now();
    pid_t child = fork();
    if (child == 0) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, size)) fail("connect");
        send_messages(fd, framing);
        exit(0);
    }
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) fail("accept");
    if (receive_messages(fd, framing) != MESSAGES) exit(1);
    printf("%s %.0f messages/s\n", name, MESSAGES / (now() - begin));
    fflush(stdout);
    close(fd);
    close(listener);
    waitpid(child, NULL, 0);
}

int main(void) {
    job("frames-fixed", FIXED);
    job("frames-length", LENGTH);
    job("frames-delimiter", DELIMITER);
    return 0;
}
