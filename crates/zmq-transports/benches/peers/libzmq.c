/* The jobs of transports.rs with libzmq in C: both sides on threads of one
 * process, one I/O thread between them. High-water marks are set to 100,000,
 * the length of the queue of the Rust library. What is ours over channels is
 * compared with libzmq's inproc.
 *
 * needs: program:cc library:zmq
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define ROUND_TRIPS 30000
#define MESSAGES 2000000
#define SIZE 8

static void *context;
static char endpoint[300];

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

static void *open_socket(int type) {
    int mark = 100000, linger = -1;
    void *socket = zmq_socket(context, type);
    check(socket != NULL, "socket");
    zmq_setsockopt(socket, ZMQ_SNDHWM, &mark, sizeof mark);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, sizeof mark);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    return socket;
}

/* Binds, and says in `endpoint` where. */
static void *bind_socket(int type, const char *place) {
    void *socket = open_socket(type);
    size_t length = sizeof endpoint;
    check(zmq_bind(socket, place) == 0, "bind");
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &length);
    return socket;
}

static void *connect_socket(int type) {
    void *socket = open_socket(type);
    check(zmq_connect(socket, endpoint) == 0, "connect");
    return socket;
}

static void send_number(void *socket, uint64_t number) {
    check(zmq_send(socket, &number, SIZE, 0) == SIZE, "send");
}

static void expect_number(void *socket, uint64_t number) {
    uint64_t found = 0;
    check(zmq_recv(socket, &found, SIZE, 0) == SIZE, "recv");
    check(found == number, "another message");
}

static void *answer(void *socket) {
    char question[SIZE];
    for (int i = 0; i < ROUND_TRIPS; i++) {
        check(zmq_recv(socket, question, SIZE, 0) == SIZE, "recv");
        check(zmq_send(socket, question, SIZE, 0) == SIZE, "send");
    }
    zmq_close(socket);
    return NULL;
}

static void *push(void *nothing) {
    void *socket = connect_socket(ZMQ_PUSH);
    for (uint64_t number = 0; number < MESSAGES; number++)
        send_number(socket, number);
    zmq_close(socket);
    return nothing;
}

static int wanted(const char *name, const char *job, char *full) {
    const char *only = getenv("BENCH_ONLY");
    sprintf(full, "%s-%s", name, job);
    return only == NULL || strstr(full, only) != NULL;
}

/* Two places: one that was closed may be taken for another moment. */
static void measure(const char *name, const char *place, const char *next) {
    char job[40];
    pthread_t thread;
    if (wanted(name, "round-trips", job)) {
        void *server = bind_socket(ZMQ_REP, place);
        check(pthread_create(&thread, NULL, answer, server) == 0, "thread");
        void *client = connect_socket(ZMQ_REQ);
        double spent = 0;
        for (uint64_t number = 0; number < ROUND_TRIPS; number++) {
            double start = now();
            send_number(client, number);
            expect_number(client, number);
            spent += now() - start;
        }
        printf("%s %.0f /s\n", job, ROUND_TRIPS / spent);
        pthread_join(thread, NULL);
        zmq_close(client);
    }
    if (wanted(name, "messages", job)) {
        void *receiver = bind_socket(ZMQ_PULL, next);
        check(pthread_create(&thread, NULL, push, NULL) == 0, "thread");
        expect_number(receiver, 0);
        double start = now();
        for (uint64_t number = 1; number < MESSAGES; number++)
            expect_number(receiver, number);
        printf("%s %.0f messages/s\n", job, (MESSAGES - 1) / (now() - start));
        pthread_join(thread, NULL);
        zmq_close(receiver);
    }
}

int main(void) {
    char file[100];
    context = zmq_ctx_new();
    sprintf(file, "zmq-c-%d.sock", (int)getpid());
    char place[120] = "ipc://";
    strcat(place, file);
    measure("tcp", "tcp://127.0.0.1:*", "tcp://127.0.0.1:*");
    measure("ipc", place, place);
    measure("channel", "inproc://cats", "inproc://hats");
    zmq_ctx_term(context);
    unlink(file);
    return 0;
}
