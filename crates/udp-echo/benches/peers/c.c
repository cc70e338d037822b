/* The same two jobs in C: a blocking client, answered by a blocking server
 * and by an echo server on epoll, all on the last core.
 * needs: program:cc
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 100

static char buffer[65507];

static void check(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void serve_blocking(int server)
{
    static const char answer[] = "Are you talking to me?";
    for (;;) {
        struct sockaddr_in client;
        socklen_t size = sizeof client;
        ssize_t length = recvfrom(server, buffer, sizeof buffer, 0,
                                  (struct sockaddr *)&client, &size);
        check(length >= 0, "recvfrom");
        check(sendto(server, answer, sizeof answer - 1, 0,
                     (struct sockaddr *)&client, size) >= 0, "sendto");
    }
}

static void serve_epoll(int server)
{
    int poll = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };
    check(poll >= 0, "epoll_create1");
    check(epoll_ctl(poll, EPOLL_CTL_ADD, server, &event) == 0, "epoll_ctl");
    for (;;) {
        check(epoll_wait(poll, &event, 1, -1) >= 0, "epoll_wait");
        for (;;) {
            struct sockaddr_in client;
            socklen_t size = sizeof client;
            ssize_t length = recvfrom(server, buffer, sizeof buffer,
                                      MSG_DONTWAIT,
                                      (struct sockaddr *)&client, &size);
            if (length < 0 && errno == EAGAIN)
                break;
            check(length >= 0, "recvfrom");
            check(sendto(server, buffer, length, MSG_DONTWAIT,
                         (struct sockaddr *)&client, size) >= 0, "sendto");
        }
    }
}

static double round_trips(const struct sockaddr_in *server, double time)
{
    int client = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    struct timeval limit = { .tv_sec = 5 };
    long done = 0;
    double begin = now();
    check(client >= 0, "socket");
    check(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit,
                     sizeof limit) == 0, "setsockopt");
    while (now() - begin < time) {
        for (int i = 0; i < BATCH; i++) {
            struct sockaddr_in from;
            socklen_t size = sizeof from;
            check(sendto(client, "Hello!", 6, 0, (struct sockaddr *)server,
                         sizeof *server) == 6, "sendto");
            check(recvfrom(client, buffer, sizeof buffer, 0,
                           (struct sockaddr *)&from, &size) > 0, "recvfrom");
            check(from.sin_port == server->sin_port
                  && from.sin_addr.s_addr == server->sin_addr.s_addr,
                  "a stranger answered");
        }
        done += BATCH;
    }
    close(client);
    return done / (now() - begin);
}

static void measure(const char *job, void (*serve)(int))
{
    int server = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof address;
    pid_t child;
    check(server >= 0, "socket");
    check(bind(server, (struct sockaddr *)&address, size) == 0, "bind");
    check(getsockname(server, (struct sockaddr *)&address, &size) == 0,
          "getsockname");
    child = fork();
    check(child >= 0, "fork");
    if (child == 0)
        serve(server);
    close(server);
    round_trips(&address, 0.2);
    printf("%s %.0f /s\n", job, round_trips(&address, 1.5));
    fflush(stdout);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

int main(void)
{
    cpu_set_t cores;
    int last = CPU_SETSIZE - 1;
    check(sched_getaffinity(0, sizeof cores, &cores) == 0, "getaffinity");
    while (last > 0 && !CPU_ISSET(last, &cores))
        last--;
    CPU_ZERO(&cores);
    CPU_SET(last, &cores);
    check(sched_setaffinity(0, sizeof cores, &cores) == 0, "setaffinity");
    measure("udp_round_trips", serve_blocking);
    measure("udp_echo_round_trips", serve_epoll);
    return 0;
}
