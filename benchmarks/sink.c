/* An SMTP peer that is as fast as possible: it takes all mail, stores none of it, and records when each message came.

   Usage: sink PORTFILE RECORD DELAY_MS. Listens on a free loopback port and writes its number to PORTFILE. RECORD is a
   file that the reader has made and maps, too: the count of messages as an int64, 8 unused bytes, then for each
   message, in the order of their final dots, the time (double, seconds since 1970) and the number N of its first
   recipient <rN@...> (int64, -1 without one). DELAY_MS passes before the replies to the commands of one read;
   other connections do not wait for it. There is one thread, and one read and one write for all commands of a
   connection that have arrived. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READ (1 << 18)
#define LINE 2048
#define EVENTS 256

struct taken {
    double at;
    int64_t number;
};

struct record {
    int64_t count;
    int64_t nothing;
    struct taken taken[];
};

struct peer {
    int fd;
    int in_data;
    int has_recipient;
    int waiting; /* delayed replies; the struct exists until all of them are written, even after the connection has ended */
    int64_t number;
    size_t kept;
    char rest[LINE]; /* the begun line, or the end of a body that may be the beginning of its final dot */
};

struct reply {
    struct reply *next;
    struct peer *peer;
    double due;
    size_t length;
    char text[];
};

static struct record *record;
static int64_t room;
static double delay;
static int poller;
static struct reply *first, **last = &first; /* all have the same delay, so they are due in the order in which they are made */

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void lose(struct peer *peer) {
    if (peer->fd >= 0) close(peer->fd);
    peer->fd = -1;
    if (!peer->waiting) free(peer);
}

static int write_out(struct peer *peer, const char *text, size_t length) {
    return send(peer->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;
}

static int say(struct peer *peer, const char *text, size_t length) {
    struct reply *reply;
    if (delay <= 0) return write_out(peer, text, length);
    reply = malloc(sizeof *reply + length);
    *reply = (struct reply){.peer = peer, .due = now(CLOCK_MONOTONIC) + delay, .length = length};
    memcpy(reply->text, text, length);
    peer->waiting++;
    *last = reply;
    last = &reply->next;
    return 1;
}

/* Write the replies that are due, and return the milliseconds until the next one; -1 if no reply waits. */
static int write_due(void) {
    while (first) {
        struct reply *reply = first;
        struct peer *peer = reply->peer;
        double left = reply->due - now(CLOCK_MONOTONIC);
        if (left > 0) return (int)(left * 1000) + 1;
        first = reply->next;
        if (!first) last = &first;
        peer->waiting--;
        if (peer->fd < 0 || !write_out(peer, reply->text, reply->length)) lose(peer);
        free(reply);
    }
    return -1;
}

static void take(struct peer *peer) {
    int64_t count = record->count;
    if (count < room) record->taken[count] = (struct taken){now(CLOCK_REALTIME), peer->number};
    __atomic_store_n(&record->count, count + 1, __ATOMIC_RELEASE);
    peer->in_data = 0;
}

static int64_t number_of(const char *line, const char *end) {
    const char *at = memchr(line, '<', end - line);
    if (!at) return -1;
    for (at++; isalpha((unsigned char)*at); at++) {}
    return isdigit((unsigned char)*at) ? strtoll(at, NULL, 10) : -1;
}

static const char *answer(struct peer *peer, const char *line, const char *end) {
    switch (*line & 0xdf) {
    case 'E':
        return "250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n";
    case 'M':
        peer->has_recipient = 0;
        peer->number = -1;
        return "250 ok\r\n";
    case 'R':
        if (line[1] != 'S' && line[1] != 's' && !peer->has_recipient) {
            peer->has_recipient = 1;
            peer->number = number_of(line, end);
        }
        return "250 ok\r\n";
    case 'D':
        peer->in_data = 1;
        return "354 go on\r\n";
    case 'Q':
        return "221 bye\r\n";
    }
    return "250 ok\r\n";
}

/* Answer every complete command; return 0 when the connection is closed. */
static int serve(struct peer *peer) {
    static char in[LINE + READ], out[LINE + READ]; /* the longest reply is not much longer than its command */
    const char *at = in, *end, *reply;
    size_t length = 0;
    ssize_t got;
    memcpy(in, peer->rest, peer->kept);
    got = recv(peer->fd, in + peer->kept, READ, MSG_DONTWAIT);
    if (got <= 0) return 0;
    end = in + peer->kept + got;
    while (at < end && length < sizeof out - 128) {
        const char *mark = memmem(at, end - at, peer->in_data ? "\r\n.\r\n" : "\r\n", peer->in_data ? 5 : 2);
        if (!mark) {
            if (peer->in_data && end - at > 4) at = end - 4;
            break;
        }
        if (peer->in_data) {
            take(peer);
            reply = "250 taken\r\n";
            at = mark + 5;
        } else {
            reply = answer(peer, at, mark);
            at = mark + (peer->in_data ? 0 : 2); /* the line end of DATA may begin the final dot */
        }
        length = stpcpy(out + length, reply) - out;
    }
    peer->kept = end - at;
    if (peer->kept > LINE) return 0;
    memcpy(peer->rest, at, peer->kept);
    return !length || say(peer, out, length);
}

static void take_connection(int listener) {
    int one = 1, fd = accept(listener, NULL, NULL);
    struct peer *peer;
    struct epoll_event event = {.events = EPOLLIN};
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    peer = calloc(1, sizeof *peer);
    peer->fd = fd;
    event.data.ptr = peer;
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    if (!say(peer, "220 sink\r\n", 10)) lose(peer);
}

static int listen_at(const char *port_file) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    FILE *file;
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) return -1;
    getsockname(listener, (void *)&address, &length);
    file = fopen(port_file, "w");
    return file && fprintf(file, "%d\n", ntohs(address.sin_port)) > 0 && !fclose(file) ? listener : -1;
}

static int map(const char *path) {
    int fd = open(path, O_RDWR);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat)) return 0;
    record = mmap(NULL, stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    room = (stat.st_size - (int64_t)sizeof *record) / (int64_t)sizeof *record->taken;
    return record != MAP_FAILED;
}

int main(int argc, char **argv) {
    struct epoll_event events[EVENTS], arrivals = {.events = EPOLLIN};
    int listener, wait;
    if (argc != 4 || !map(argv[2])) return 1;
    delay = atof(argv[3]) / 1000;
    poller = epoll_create1(0);
    if ((listener = listen_at(argv[1])) < 0) return 1;
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &arrivals);
    for (;;) {
        wait = write_due();
        int ready = epoll_wait(poller, events, EVENTS, wait);
        for (int n = 0; n < ready; n++) {
            struct peer *peer = events[n].data.ptr;
            if (!peer) take_connection(listener);
            else if (!serve(peer)) lose(peer);
        }
    }
}
