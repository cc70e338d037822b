/* A minimal echo server on epoll, for peers/c-epoll.sh: one thread, one
 * buffer, blocking writes, no limits. It ends when it is killed. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[65536];

static void check(int good, const char *what) {
    if (!good) {
        perror(what);
        exit(1);
    }
}

/* Whether the connection goes on. */
static int echo(int client) {
    ssize_t length = read(client, buffer, sizeof buffer);
    if (length <= 0)
        return 0;
    for (ssize_t done = 0; done < length;) {
        ssize_t sent = write(client, buffer + done, length - done);
        if (sent <= 0)
            return 0;
        done += sent;
    }
    return 1;
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    check(listener >= 0, "socket");
    check(bind(listener, (struct sockaddr *)&address, size) == 0, "bind");
    check(listen(listener, 1024) == 0, "listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("Waiting for clients to call. Address: 127.0.0.1:%d\n",
           ntohs(address.sin_port));
    fflush(stdout);

    int poll = epoll_create1(0);
    check(poll >= 0, "epoll_create1");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    check(epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) == 0, "epoll_ctl");
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            int ready = events[i].data.fd;
            if (ready == listener) {
                int on = 1, client = accept(listener, NULL, NULL);
                if (client < 0)
                    continue;
                setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                event.events = EPOLLIN;
                event.data.fd = client;
                epoll_ctl(poll, EPOLL_CTL_ADD, client, &event);
            } else if (!echo(ready)) {
                close(ready);
            }
        }
    }
}
