/* The two ends of the benchmark of a million devices: MQTT devices, or a broker that only keeps them.
 *
 *     peers devices|broker BOARD FIRST COUNT ADDRESS PORT WINDOW
 *
 * Forks COUNT processes for the lanes from FIRST; lane i talks to ADDRESS, or listens on it, at PORT + i.
 * BOARD is a file that all share: row 0 are orders for all, row 1 + i is that of lane i (tests/bench/million/board.py).
 * C, and no state but one byte for each descriptor, for there are 2,000,000 of these ends beside the balancers.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WANTED, OPEN, REFUSED, LOST, ANSWERED, ERRNO, FLYING, READY, CELLS };
enum { HALT, PING }; /* cells of row 0 */
enum { NONE, CONNECTING, SAID, CONNECTED, PINGED };
enum { EVENTS = 256, BACKLOG = 4096, PATIENCE = 100 /* ms between looks at the orders */ };

static volatile int64_t *all, *mine;
static uint8_t *state; /* by descriptor */
static int epoll, top, window, pinging; /* every lane pings at once, so that each may have an eighth on its way */

static int fresh(void)
{
    /* linger for no time: the end of the benchmark sends RST, and leaves no orphans behind */
    struct linger at_once = {1, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return fd;
}

static int watch(int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void refused(int error)
{
    mine[REFUSED]++;
    mine[ERRNO] = error;
}

/* Take a device out that was refused, or lost after it had been connected. */
static void over(int fd, int error)
{
    int was = state[fd];
    state[fd] = NONE;
    close(fd);
    if (was == PINGED)
        pinging--;
    else if (was != CONNECTED)
        mine[FLYING]--;
    if (was == CONNECTED || was == PINGED) {
        mine[OPEN]--;
        mine[LOST]++;
        mine[ERRNO] = error;
    } else
        refused(error);
}

static void say(int fd, const void *packet, size_t size)
{
    if (send(fd, packet, size, MSG_NOSIGNAL) != (ssize_t)size)
        over(fd, errno);
}

static void begin(const struct sockaddr_in *to)
{
    int fd = fresh();
    if (fd < 0) {
        refused(errno);
        return;
    }
    mine[FLYING]++;
    state[fd] = CONNECTING;
    if (fd > top)
        top = fd;
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) && errno != EINPROGRESS)
        over(fd, errno);
    else if (watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET))
        over(fd, errno);
}

/* CONNECT of MQTT 3.1.1, section 3.1: a clean session that never has to say that it is alive. */
static void hello(int lane, int fd)
{
    char packet[64] = "\x10\0\0\4MQTT\4\2\0\0\0\0";
    int name = snprintf(packet + 14, sizeof packet - 14, "device-%d-%d", lane, fd);
    packet[1] = (char)(12 + name);
    packet[13] = (char)name;
    state[fd] = SAID;
    say(fd, packet, 14 + name);
}

static void heard(int fd)
{
    char packet[64];
    ssize_t got = recv(fd, packet, sizeof packet, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got < 0)
        over(fd, errno);
    else if (got == 4 && state[fd] == SAID && !memcmp(packet, "\x20\2\0\0", 4)) {
        state[fd] = CONNECTED;
        mine[FLYING]--;
        mine[OPEN]++;
    } else if (got == 2 && state[fd] == PINGED && !memcmp(packet, "\xd0\0", 2)) {
        state[fd] = CONNECTED;
        pinging--;
        mine[ANSWERED]++;
    } else
        over(fd, got ? EPROTO : ECONNRESET);
}

static void devices(int lane, const struct sockaddr_in *to)
{
    struct epoll_event events[EVENTS];
    int64_t begun = 0, round = 0;
    int next = 0;
    for (;;) {
        while (mine[FLYING] < window && begun < mine[WANTED] && !all[HALT]) {
            begin(to);
            begun++;
        }
        if (round != all[PING]) {
            round = all[PING];
            mine[ANSWERED] = next = 0;
        }
        for (; round && pinging < window / 8 && next <= top; next++)
            if (state[next] == CONNECTED) {
                state[next] = PINGED;
                pinging++;
                say(next, "\xc0\0", 2);
            }
        int ready = epoll_wait(epoll, events, EVENTS, PATIENCE);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (state[fd] == CONNECTING && events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
                hello(lane, fd);
            if (state[fd] > CONNECTING && events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                heard(fd);
        }
    }
}

/* A packet that is neither CONNECT nor PINGREQ, or none, ends its connection. */
static void serve(int fd)
{
    char packet[256];
    ssize_t got = recv(fd, packet, sizeof packet, 0), sent = -1;
    if (got > 0 && packet[0] == 0x10)
        sent = send(fd, "\x20\2\0\0", 4, MSG_NOSIGNAL);
    else if (got > 0 && (uint8_t)packet[0] == 0xc0)
        sent = send(fd, "\xd0\0", 2, MSG_NOSIGNAL);
    if (sent < 0) {
        close(fd);
        mine[OPEN]--;
    }
}

static void broker(const struct sockaddr_in *at)
{
    struct epoll_event events[EVENTS];
    int yes = 1, listener = fresh();
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (const struct sockaddr *)at, sizeof *at) || listen(listener, BACKLOG) ||
        watch(listener, EPOLLIN)) {
        perror("broker");
        exit(1);
    }
    mine[READY] = 1;
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd != listener) {
                serve(events[i].data.fd);
                continue;
            }
            for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0 || errno != EAGAIN;) {
                if (fd >= 0 && !watch(fd, EPOLLIN | EPOLLRDHUP)) {
                    mine[OPEN]++;
                    continue;
                }
                refused(errno);
                if (fd < 0)
                    break;
                close(fd);
            }
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 8)
        return 2;
    struct rlimit limit;
    struct stat size;
    int board = open(argv[2], O_RDWR), first = atoi(argv[3]), count = atoi(argv[4]);
    if (board < 0 || fstat(board, &size) || getrlimit(RLIMIT_NOFILE, &limit)) {
        perror(argv[2]);
        return 1;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    all = mmap(NULL, size.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, board, 0);
    close(board);
    window = atoi(argv[7]);
    for (int lane = first; lane < first + count; lane++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[6]) + lane)};
        inet_pton(AF_INET, argv[5], &at.sin_addr);
        if (fork())
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        mine = all + (1 + lane) * CELLS;
        state = calloc(limit.rlim_cur, 1);
        epoll = epoll_create1(0);
        if (argv[1][0] == 'd')
            devices(lane, &at);
        broker(&at);
    }
    pause();
    return 0;
}
