/* The jobs of delivered.rs with libzmq: a thread that publishes and one that
 * subscribes, each with a context of its own, and so each with a thread of
 * libzmq's beside it.
 * needs: program:cc library:zmq
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define HELLO UINT32_MAX

static char endpoint[256];
static volatile int heard, stop;
static uint32_t count = 1000000;
static int type, high_water_mark;
static pthread_barrier_t bound;

static void check(int good, const char *what) {
    if (!good) {
        fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void send_number(void *publisher, uint32_t number) {
    char bytes[8] = "catA";
    memcpy(bytes + 4, &number, 4);
    check(zmq_send(publisher, bytes, 8, 0) == 8, "send");
}

static void set(void *socket, int option, int value) {
    check(zmq_setsockopt(socket, option, &value, sizeof value) == 0, "set");
}

static void *publish(void *unused) {
    (void)unused;
    void *context = zmq_ctx_new();
    void *publisher = zmq_socket(context, type);
    set(publisher, ZMQ_SNDHWM, high_water_mark);
    if (type == ZMQ_XPUB)
        set(publisher, ZMQ_XPUB_NODROP, 1);
    check(zmq_bind(publisher, "tcp://127.0.0.1:*") == 0, "bind");
    size_t length = sizeof endpoint;
    check(zmq_getsockopt(publisher, ZMQ_LAST_ENDPOINT, endpoint, &length) == 0,
          "endpoint");
    pthread_barrier_wait(&bound);
    if (type == ZMQ_XPUB) {
        char subscription[16];
        check(zmq_recv(publisher, subscription, sizeof subscription, 0) == 5,
              "a subscription");
    } else {
        while (!heard) {
            struct timespec pause = {0, 100000};
            send_number(publisher, HELLO);
            nanosleep(&pause, NULL);
        }
    }
    for (uint32_t number = 0; number < count; number++)
        send_number(publisher, number);
    check(zmq_close(publisher) == 0, "close");
    /* Waits until all is sent. */
    check(zmq_ctx_term(context) == 0, "end");
    return NULL;
}

static double play(void) {
    pthread_t thread;
    heard = 0;
    pthread_barrier_init(&bound, NULL, 2);
    check(pthread_create(&thread, NULL, publish, NULL) == 0, "thread");
    pthread_barrier_wait(&bound);
    void *context = zmq_ctx_new();
    void *subscriber = zmq_socket(context, ZMQ_SUB);
    set(subscriber, ZMQ_RCVHWM, high_water_mark);
    check(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, "catA", 4) == 0,
          "subscribe");
    check(zmq_connect(subscriber, endpoint) == 0, "connect");
    double begin = 0;
    for (uint32_t next = 0; next < count;) {
        char bytes[8];
        uint32_t number;
        check(zmq_recv(subscriber, bytes, 8, 0) == 8, "receive");
        memcpy(&number, bytes + 4, 4);
        if (number == HELLO) {
            heard = 1;
            continue;
        }
        if (number != next) {
            fprintf(stderr, "%u instead of %u\n", number, next);
            exit(1);
        }
        if (next == 0)
            begin = now();
        next++;
    }
    double rate = count / (now() - begin);
    check(zmq_close(subscriber) == 0, "close");
    check(zmq_ctx_term(context) == 0, "end");
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&bound);
    return rate;
}

/* As fast as it can, with what a new socket has: a high-water mark of 1000. */
static void *pour(void *unused) {
    (void)unused;
    void *context = zmq_ctx_new();
    void *publisher = zmq_socket(context, ZMQ_PUB);
    set(publisher, ZMQ_LINGER, 0);
    check(zmq_bind(publisher, "tcp://127.0.0.1:*") == 0, "bind");
    size_t length = sizeof endpoint;
    check(zmq_getsockopt(publisher, ZMQ_LAST_ENDPOINT, endpoint, &length) == 0,
          "endpoint");
    pthread_barrier_wait(&bound);
    for (uint32_t number = 0; !stop; number++)
        send_number(publisher, number);
    check(zmq_close(publisher) == 0, "close");
    check(zmq_ctx_term(context) == 0, "end");
    return NULL;
}

static double flood(void) {
    pthread_t thread;
    char bytes[8];
    stop = 0;
    pthread_barrier_init(&bound, NULL, 2);
    check(pthread_create(&thread, NULL, pour, NULL) == 0, "thread");
    pthread_barrier_wait(&bound);
    void *context = zmq_ctx_new();
    void *subscriber = zmq_socket(context, ZMQ_SUB);
    check(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, "catA", 4) == 0,
          "subscribe");
    check(zmq_connect(subscriber, endpoint) == 0, "connect");
    check(zmq_recv(subscriber, bytes, 8, 0) == 8, "receive");
    double begin = now();
    uint32_t arrived = 0;
    while (arrived % 1024 != 0 || now() - begin < 2) {
        check(zmq_recv(subscriber, bytes, 8, 0) == 8, "receive");
        arrived++;
    }
    double rate = arrived / (now() - begin);
    stop = 1;
    pthread_join(thread, NULL);
    check(zmq_close(subscriber) == 0, "close");
    check(zmq_ctx_term(context) == 0, "end");
    pthread_barrier_destroy(&bound);
    return rate;
}

static int wanted(const char *job) {
    const char *only = getenv("BENCH_ONLY");
    return only == NULL || strstr(job, only) != NULL;
}

int main(void) {
    const char *messages = getenv("BENCH_MESSAGES");
    if (messages != NULL)
        count = (uint32_t)strtoul(messages, NULL, 10);
    if (wanted("pub-sub")) {
        type = ZMQ_PUB;
        high_water_mark = 0;
        printf("pub-sub %.0f messages/s\n", play());
    }
    if (wanted("xpub-sub")) {
        type = ZMQ_XPUB;
        high_water_mark = 1000;
        printf("xpub-sub %.0f messages/s\n", play());
    }
    if (wanted("flood"))
        printf("flood %.0f messages/s\n", flood());
    return 0;
}
