/* The jobs of round-trips.rs with libzmq: REQ and REP on a thread each, with
 * a context each, and zmq_proxy on a third thread.
 *
 * needs: program:cc library:zmq
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

static const char message[] = "message #1";
#define LENGTH ((int)sizeof message - 1)

static char server_at[256], front_at[256], back_at[256];

static void check(int good, const char *what) {
    if (!good) {
        fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

static void bind_anywhere(void *socket, char *at) {
    size_t size = sizeof server_at;
    check(zmq_bind(socket, "tcp://127.0.0.1:*") == 0, "bind");
    check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, at, &size) == 0, "where");
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void *answer(void *socket) {
    char buffer[256];
    for (;;) {
        int length = zmq_recv(socket, buffer, sizeof buffer, 0);
        check(length == LENGTH, "recv");
        check(zmq_send(socket, buffer, length, 0) == length, "send");
    }
    return NULL;
}

static void *broker(void *ends) {
    void **sockets = ends;
    zmq_proxy(sockets[0], sockets[1], NULL);
    return NULL;
}

static double round_trips(void *socket, double duration) {
    char buffer[256];
    double begin = now();
    long count = 0;
    while (count % 100 != 0 || now() - begin < duration) {
        check(zmq_send(socket, message, LENGTH, 0) == LENGTH, "send");
        check(zmq_recv(socket, buffer, sizeof buffer, 0) == LENGTH, "recv");
        check(memcmp(buffer, message, LENGTH) == 0, "the answer");
        count++;
    }
    return count / (now() - begin);
}

static void ask(const char *job, const char *at) {
    const char *seconds = getenv("BENCH_SECONDS");
    void *socket = zmq_socket(zmq_ctx_new(), ZMQ_REQ);
    check(zmq_connect(socket, at) == 0, "connect");
    round_trips(socket, 0.2);
    double rate = round_trips(socket, seconds ? atof(seconds) : 2);
    printf("%s %.0f /s\n", job, rate);
    fflush(stdout);
}

static int wanted(const char *job) {
    const char *only = getenv("BENCH_ONLY");
    return !only || strstr(job, only) || strstr(only, job);
}

int main(void) {
    pthread_t thread;
    if (wanted("round-trips")) {
        void *server = zmq_socket(zmq_ctx_new(), ZMQ_REP);
        bind_anywhere(server, server_at);
        pthread_create(&thread, NULL, answer, server);
        ask("round-trips", server_at);
    }
    if (wanted("round-trips-broker")) {
        void *context = zmq_ctx_new();
        static void *ends[2];
        ends[0] = zmq_socket(context, ZMQ_ROUTER);
        ends[1] = zmq_socket(context, ZMQ_DEALER);
        bind_anywhere(ends[0], front_at);
        bind_anywhere(ends[1], back_at);
        pthread_create(&thread, NULL, broker, ends);
        void *server = zmq_socket(zmq_ctx_new(), ZMQ_REP);
        check(zmq_connect(server, back_at) == 0, "connect");
        pthread_create(&thread, NULL, answer, server);
        ask("round-trips-broker", front_at);
    }
    /* The other threads end with the process. */
    return 0;
}
