/* The job of round-trips.rs in C: a blocking client and a blocking server,
 * each a process, on the last core. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char message[] = "Are you talking to me?";
#define LENGTH (sizeof message - 1)

static void check(int good, const char *what) {
    if (!good) {
        perror(what);
        exit(1);
    }
}

static void write_all(int socket, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = write(socket, bytes, length);
        check(sent > 0, "write");
        bytes += sent;
        length -= sent;
    }
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double round_trips(int socket, double duration) {
    char echo[LENGTH];
    double begin = now();
    long count = 0;
    while (count % 100 != 0 || now() - begin < duration) {
        write_all(socket, message, LENGTH);
        for (size_t have = 0; have < LENGTH;) {
            ssize_t length = read(socket, echo + have, LENGTH - have);
            check(length > 0, "read");
            have += length;
        }
        check(memcmp(echo, message, LENGTH) == 0, "echo");
        count++;
    }
    return count / (now() - begin);
}

static void share_the_last_core(void) {
    cpu_set_t cores;
    int last = CPU_SETSIZE - 1;
    check(sched_getaffinity(0, sizeof cores, &cores) == 0, "getaffinity");
    while (last > 0 && !CPU_ISSET(last, &cores))
        last--;
    CPU_ZERO(&cores);
    CPU_SET(last, &cores);
    check(sched_setaffinity(0, sizeof cores, &cores) == 0, "setaffinity");
}

int main(void) {
    share_the_last_core();
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    check(listener >= 0, "socket");
    check(bind(listener, (struct sockaddr *)&address, size) == 0, "bind");
    check(listen(listener, 128) == 0, "listen");
    getsockname(listener, (struct sockaddr *)&address, &size);

    pid_t client = fork();
    check(client >= 0, "fork");
    if (client == 0) {
        close(listener);
        int stream = socket(AF_INET, SOCK_STREAM, 0);
        check(connect(stream, (struct sockaddr *)&address, size) == 0,
              "connect");
        const char *seconds = getenv("BENCH_SECONDS");
        round_trips(stream, 0.2);
        printf("round-trips %.0f /s\n",
               round_trips(stream, seconds ? atof(seconds) : 2));
        return 0;
    }
    int stream = accept(listener, NULL, NULL);
    check(stream >= 0, "accept");
    char buffer[512];
    ssize_t length;
    while ((length = read(stream, buffer, sizeof buffer)) > 0)
        write_all(stream, buffer, length);
    int status;
    waitpid(client, &status, 0);
    return status != 0;
}
