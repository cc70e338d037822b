/* The jobs of queue.rs with librabbitmq, the client in C.
 * needs: program:cc library:rabbitmq
 *
 * AMQP_URL says where the broker is.
 */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COUNT = 20000, WARM_UP = 500, ONE_BY_ONE = 1000, WINDOW = 100 };

static amqp_connection_state_t broker;
static amqp_bytes_t queue;

static void check(int good, const char *what) {
    if (!good) {
        fprintf(stderr, "librabbitmq: cannot %s\n", what);
        exit(1);
    }
}

static void replied(const char *what) {
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(broker);
    check(reply.reply_type == AMQP_RESPONSE_NORMAL, what);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* How many messages one frame of the broker confirms. */
static uint64_t confirmed(uint64_t before) {
    amqp_frame_t frame;
    check(amqp_simple_wait_frame(broker, &frame) == AMQP_STATUS_OK, "wait");
    check(frame.frame_type == AMQP_FRAME_METHOD &&
              frame.payload.method.id == AMQP_BASIC_ACK_METHOD,
          "have a message confirmed");
    amqp_basic_ack_t *ack = frame.payload.method.decoded;
    amqp_maybe_release_buffers(broker);
    return ack->multiple ? ack->delivery_tag - before : 1;
}

static double publish(int count, int window) {
    static uint64_t all;
    char hat[32];
    memset(hat, 'h', sizeof hat);
    amqp_bytes_t body = {sizeof hat, hat};
    amqp_basic_properties_t persistent = {0};
    persistent._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    persistent.delivery_mode = 2;
    double begin = now();
    uint64_t first = all;
    for (int sent = 0; sent < count; sent++) {
        check(amqp_basic_publish(broker, 1, amqp_empty_bytes, queue, 0, 0,
                                 &persistent, body) == AMQP_STATUS_OK,
              "publish");
        while ((uint64_t)sent + 1 - (all - first) >= (uint64_t)window)
            all += confirmed(all);
    }
    while (all - first < (uint64_t)count)
        all += confirmed(all);
    return count / (now() - begin);
}

static double consume(int count) {
    double begin = now();
    for (int done = 0; done < count; done++) {
        amqp_envelope_t envelope;
        amqp_rpc_reply_t reply =
            amqp_consume_message(broker, &envelope, NULL, 0);
        check(reply.reply_type == AMQP_RESPONSE_NORMAL, "consume");
        check(amqp_basic_ack(broker, 1, envelope.delivery_tag, 0) ==
                  AMQP_STATUS_OK,
              "acknowledge");
        amqp_destroy_envelope(&envelope);
        amqp_maybe_release_buffers(broker);
    }
    return count / (now() - begin);
}

static int wanted(const char *job) {
    const char *only = getenv("BENCH_ONLY");
    return only == NULL || strstr(job, only) != NULL;
}

int main(void) {
    const char *given = getenv("AMQP_URL");
    char *url = strdup(given != NULL ? given : "amqp://127.0.0.1:5672");
    struct amqp_connection_info place;
    check(amqp_parse_url(url, &place) == AMQP_STATUS_OK, "read the URL");
    broker = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(broker);
    check(amqp_socket_open(socket, place.host, place.port) == AMQP_STATUS_OK,
          "connect");
    amqp_rpc_reply_t reply =
        amqp_login(broker, place.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN,
                   place.user, place.password);
    check(reply.reply_type == AMQP_RESPONSE_NORMAL, "log in");
    amqp_channel_open(broker, 1);
    replied("open a channel");
    queue = amqp_cstring_bytes("bench");
    amqp_queue_declare(broker, 1, queue, 0, 1, 0, 0, amqp_empty_table);
    replied("declare the queue");
    amqp_confirm_select(broker, 1);
    replied("select confirms");
    amqp_basic_qos(broker, 1, 0, WINDOW, 0);
    replied("set the prefetch");
    publish(WARM_UP, 1);
    double each = publish(ONE_BY_ONE, 1);
    double window = publish(COUNT, WINDOW);
    amqp_basic_consume(broker, 1, queue, amqp_empty_bytes, 0, 0, 0,
                       amqp_empty_table);
    replied("consume");
    double acknowledged = consume(WARM_UP + ONE_BY_ONE + COUNT);
    if (wanted("confirm-each"))
        printf("confirm-each %.0f messages/s\n", each);
    if (wanted("confirm"))
        printf("confirm %.0f messages/s\n", window);
    if (wanted("acknowledge"))
        printf("acknowledge %.0f messages/s\n", acknowledged);
    amqp_queue_delete(broker, 1, queue, 0, 0);
    replied("delete the queue");
    amqp_connection_close(broker, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(broker);
    free(url);
    return 0;
}
