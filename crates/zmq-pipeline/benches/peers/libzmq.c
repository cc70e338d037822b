/* The job of push-pull.rs with libzmq: two threads, each with a context and
 * so an I/O thread of its own, and high-water marks of 100,000 messages.
 *
 * needs: program:cc library:zmq library:pthread
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum { MESSAGES = 2000000, HIGH_WATER_MARK = 100000 };
static const char message[] = "8 bytes.";
#define LENGTH (sizeof message - 1)

static void check(int good, const char *what) {
    if (!good) {
        fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void *new_socket(void *context, int type) {
    int mark = HIGH_WATER_MARK;
    void *socket = zmq_socket(context, type);
    check(socket != NULL, "socket");
    check(zmq_setsockopt(socket, ZMQ_SNDHWM, &mark, sizeof mark) == 0, "mark");
    check(zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, sizeof mark) == 0, "mark");
    return socket;
}

static void *pull(void *endpoint) {
    static double end;
    void *context = zmq_ctx_new();
    void *socket = new_socket(context, ZMQ_PULL);
    check(zmq_connect(socket, endpoint) == 0, "connect");
    for (int count = 0; count < MESSAGES; count++) {
        char buffer[64];
        int length = zmq_recv(socket, buffer, sizeof buffer, 0);
        check(length == LENGTH && !memcmp(buffer, message, LENGTH), "receive");
    }
    end = now();
    zmq_close(socket);
    zmq_ctx_term(context);
    return &end;
}

int main(void) {
    const char *only = getenv("BENCH_ONLY");
    if (only && !strstr("push-pull", only))
        return 0;
    void *context = zmq_ctx_new();
    void *socket = new_socket(context, ZMQ_PUSH);
    check(zmq_socket_monitor(socket, "inproc://events",
                             ZMQ_EVENT_HANDSHAKE_SUCCEEDED) == 0, "monitor");
    void *events = zmq_socket(context, ZMQ_PAIR);
    check(zmq_connect(events, "inproc://events") == 0, "monitor");
    check(zmq_bind(socket, "tcp://127.0.0.1:*") == 0, "bind");
    char endpoint[256];
    size_t length = sizeof endpoint;
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &length);
    pthread_t thread;
    check(pthread_create(&thread, NULL, pull, endpoint) == 0, "thread");
    char event[256];
    check(zmq_recv(events, event, sizeof event, 0) > 0, "event");
    check(zmq_recv(events, event, sizeof event, 0) > 0, "event");
    double begin = now();
    for (int count = 0; count < MESSAGES; count++)
        check(zmq_send(socket, message, LENGTH, 0) == LENGTH, "send");
    void *end;
    pthread_join(thread, &end);
    printf("push-pull %.0f messages/s\n", MESSAGES / (*(double *)end - begin));
    zmq_close(events);
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
