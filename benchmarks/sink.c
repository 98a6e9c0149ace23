/* The fastest SMTP peer there is: takes everything, keeps nothing, counts final dots.

   Usage: sink PORTFILE. Listens on a free loopback port and writes its number to PORTFILE. The verb STAT, which is no
   SMTP, is answered with the count: "250 1234". One thread; a message may be as long as a buffer. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <poll.h>
#include <unistd.h>

#define PEERS 1024
#define BUFFER (1 << 20)

struct peer {
    char in[BUFFER];
    size_t used;
    int in_data;
};

static struct pollfd polled[PEERS];
static struct peer *peers[PEERS];
static int polled_count = 1;
static long count = 0;

static void take_connection(int listener) {
    int one = 1, fd = accept(listener, NULL, NULL);
    if (fd < 0) return;
    if (polled_count == PEERS) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    peers[polled_count] = calloc(1, sizeof(struct peer));
    polled[polled_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    send(fd, "220 sink\r\n", 10, MSG_NOSIGNAL);
}

static void lose_connection(int n) {
    close(polled[n].fd);
    free(peers[n]);
    polled_count--;
    polled[n] = polled[polled_count];
    peers[n] = peers[polled_count];
}

static int answer(char *out, const char *line, int *in_data) {
    if (!strncasecmp(line, "EHLO", 4)) return sprintf(out, "250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n");
    if (!strncasecmp(line, "STAT", 4)) return sprintf(out, "250 %ld\r\n", count);
    if (!strncasecmp(line, "QUIT", 4)) return sprintf(out, "221 bye\r\n");
    if (!strncasecmp(line, "DATA", 4)) {
        *in_data = 1;
        return sprintf(out, "354 go on\r\n");
    }
    return sprintf(out, "250 ok\r\n");
}

/* Everything that has arrived whole is answered; 0 when the connection is over. */
static int serve(int n) {
    static char out[BUFFER];
    struct peer *peer = peers[n];
    size_t done = 0, said = 0;
    ssize_t got = recv(polled[n].fd, peer->in + peer->used, BUFFER - peer->used, 0);
    if (got <= 0) return 0;
    peer->used += got;
    while (done < peer->used && said < BUFFER - 128) {
        const char *mark = peer->in_data ? "\r\n.\r\n" : "\r\n";
        char *end = memmem(peer->in + done, peer->used - done, mark, strlen(mark));
        if (!end) break;
        if (peer->in_data) {
            peer->in_data = 0;
            said += sprintf(out + said, "250 taken as %ld\r\n", ++count);
        } else {
            said += answer(out + said, peer->in + done, &peer->in_data);
        }
        done = end - peer->in + strlen(mark);
    }
    memmove(peer->in, peer->in + done, peer->used - done);
    peer->used -= done;
    if (said && send(polled[n].fd, out, said, MSG_NOSIGNAL) < 0) return 0;
    return peer->used < BUFFER;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    FILE *file;
    if (argc != 2 || bind(listener, (void *)&address, sizeof address) || listen(listener, 128)) return 1;
    getsockname(listener, (void *)&address, &length);
    file = fopen(argv[1], "w");
    if (!file || fprintf(file, "%d\n", ntohs(address.sin_port)) < 0 || fclose(file)) return 1;
    polled[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    while (poll(polled, polled_count, -1) >= 0) {
        for (int n = polled_count - 1; n > 0; n--)
            if (polled[n].revents && !serve(n)) lose_connection(n);
        if (polled[0].revents) take_connection(listener);
    }
    return 1;
}
