// SPDX-License-Identifier: GPL-2.0
/*
 * Senders and receivers for scripts/bench: small, and timing themselves, so that
 * as little as possible besides the kernel's work is measured. Each mode prints
 * the number of repetitions and the nanoseconds that they took; what was sent
 * and did not arrive is an error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static char buf[1 << 20], in[1 << 20];

static void die(const char *fmt, ...)
{
	va_list ap;
	int err = errno;

	va_start(ap, fmt);
	fputs("traffic: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, err ? ": %s\n" : "\n", strerror(err));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void result(unsigned long count, uint64_t start, uint64_t end)
{
	printf("%lu %llu\n", count, (unsigned long long)(end - start));
}

static void enter(const char *netns)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("namespace %s", netns);
	close(fd);
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	errno = 0;
	if (!*text || *end)
		die("'%s' is not a number", text);
	return n;
}

static size_t read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	if (n <= 0)
		die("%s", path);
	close(fd);
	return n;
}

/*
 * packet NETNS DEVICES COUNT FILE VNET: the frame in FILE, COUNT times, to the
 * devices (separated by commas) in turn; VNET 1 if it begins with a
 * struct virtio_net_hdr.
 */
static void packet(char **arg)
{
	static struct sockaddr_ll to[4096];
	unsigned long count = number(arg[2]), i;
	unsigned int devices = 0, next = 0;
	int fd, on = 1, vnet = number(arg[4]);
	socklen_t to_len = sizeof(to[0]);
	size_t len = read_file(arg[3]);
	uint64_t start;
	char *name;

	enter(arg[0]);
	for (name = strtok(arg[1], ","); name; name = strtok(NULL, ",")) {
		if (devices == sizeof(to) / sizeof(*to))
			die("too many devices");
		to[devices].sll_family = AF_PACKET;
		to[devices].sll_ifindex = if_nametoindex(name);
		if (!to[devices++].sll_ifindex)
			die("%s", name);
	}
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0)
		die("AF_PACKET");
	if (vnet && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
		die("PACKET_VNET_HDR");
	/* To a device by its number costs a search, which takes longer the more there are. */
	if (devices == 1) {
		if (bind(fd, (void *)&to[0], sizeof(to[0])))
			die("bind");
		to_len = 0;
	}
	/* Once for what is allocated once; the caller knows. */
	if (sendto(fd, buf, len, 0, to_len ? (void *)&to[0] : NULL, to_len) < 0)
		die("send");
	start = now();
	for (i = 0; i < count; i++) {
		if (sendto(fd, buf, len, 0, to_len ? (void *)&to[next] : NULL, to_len) != (ssize_t)len)
			die("send");
		if (++next == devices)
			next = 0;
	}
	result(count, start, now());
}

/* What a struct virtio_net_hdr occupies, and where a frame of IPv4 has the source port. */
#define VNET_HDR 10
#define SOURCE_PORT (VNET_HDR + 14 + 20)

/* For FLAGS of tap. */
#define TAP_HDR 1
#define TAP_WAIT 2

struct taps {
	int count, fd[64];
	/* How many frames of each burst arrive at each. */
	unsigned long share[64];
};

/*
 * Opens the tap of a device so many times. /dev/tapN is not there for each: in two
 * namespaces N may be the same.
 */
static void open_taps(struct taps *taps, const char *dev, int count, unsigned int flags)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	char path[64], number[32] = "";
	unsigned int major, minor;
	glob_t found;
	int i, fd;

	if (flags & TAP_HDR)
		ifr.ifr_flags |= IFF_VNET_HDR;
	snprintf(path, sizeof(path), "/sys/class/net/%s/tap*/dev", dev);
	if (glob(path, 0, NULL, &found))
		die("%s has no tap", dev);
	fd = open(found.gl_pathv[0], O_RDONLY);
	if (fd < 0 || read(fd, number, sizeof(number) - 1) <= 0 ||
	    sscanf(number, "%u:%u", &major, &minor) != 2)
		die("%s", found.gl_pathv[0]);
	close(fd);
	globfree(&found);
	snprintf(path, sizeof(path), "/tmp/tap-%d", getpid());
	if (mknod(path, S_IFCHR | 0600, makedev(major, minor)))
		die("mknod %u:%u", major, minor);
	if (count > (int)(sizeof(taps->fd) / sizeof(*taps->fd)))
		die("too many queues");
	taps->count = count;
	for (i = 0; i < count; i++) {
		taps->fd[i] = open(path, O_RDWR | (flags & TAP_WAIT ? 0 : O_NONBLOCK));
		if (taps->fd[i] < 0 || ioctl(taps->fd[i], TUNSETIFF, &ifr))
			die("tap of %s", dev);
	}
	unlink(path);
}

/* All that is there, once to learn what a burst gives to which. */
static unsigned long drain(struct taps *taps)
{
	unsigned long all = 0;
	int i;

	for (i = 0; i < taps->count; i++) {
		fcntl(taps->fd[i], F_SETFL, O_NONBLOCK);
		for (taps->share[i] = 0; read(taps->fd[i], in, sizeof(in)) > 0; taps->share[i]++)
			all++;
		if (errno != EAGAIN)
			die("read");
	}
	return all;
}

static void read_burst(struct taps *taps)
{
	unsigned long n;
	int i;

	for (i = 0; i < taps->count; i++) {
		for (n = 0; n < taps->share[i]; n++) {
			if (read(taps->fd[i], in, sizeof(in)) <= 0)
				die("queue %d: frame %lu of %lu did not arrive", i, n, taps->share[i]);
		}
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* What N bursts took if none was interrupted: a quarter of them is left out. */
static uint64_t undisturbed(uint64_t *times, unsigned long n)
{
	unsigned long counted = n - n / 4, i;
	uint64_t sum = 0;

	qsort(times, n, sizeof(*times), compare);
	for (i = 0; i < counted; i++)
		sum += times[i];
	return sum * n / counted;
}

/*
 * tap NETNS TX RX FLAGS QUEUES COUNT FILE BURST PIECES WHAT: the frame in FILE, which
 * begins with a struct virtio_net_hdr, COUNT times and one burst more to the device
 * TX, read from the tap of the device RX ("-": nobody reads) where each is PIECES
 * frames; so many in turn are sent and read. FLAGS: 1: taps have headers, 2: who reads
 * would wait. With several queues each frame of a burst is one of another flow. WHAT:
 * - fill: frames come from a packet socket; time is what sending takes
 * - read: the same, but what reading takes
 * - full: the same as fill, but into a ring that is full: it has room for a burst
 * - write: frames are written to the tap of TX; what that takes
 */
static void tap(char **arg)
{
	static struct taps tx, rx;
	unsigned int flags = number(arg[3]), queues = number(arg[4]);
	unsigned long count = number(arg[5]), burst = number(arg[7]);
	unsigned long pieces = number(arg[8]), i, n;
	size_t len = read_file(arg[6]), skip = 0;
	int receives = strcmp(arg[2], "-"), writes = !strcmp(arg[9], "write");
	int reads = !strcmp(arg[9], "read"), full = !strcmp(arg[9], "full");
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	uint64_t start, between, *sending, *reading;
	unsigned long bursts = 0;
	uint16_t port;
	int fd = -1, on = 1;

	enter(arg[0]);
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/sys", "sysfs", 0, NULL))
		die("/sys");
	if (receives)
		open_taps(&rx, arg[2], queues, flags);
	if (writes) {
		open_taps(&tx, arg[1], queues, flags & ~TAP_WAIT);
		if (!(flags & TAP_HDR))
			skip = VNET_HDR;
	} else {
		to.sll_ifindex = if_nametoindex(arg[1]);
		fd = socket(AF_PACKET, SOCK_RAW, 0);
		if (fd < 0 || !to.sll_ifindex || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
			die("AF_PACKET %s", arg[1]);
	}
	if (!burst || count % burst)
		die("%lu is not a multiple of %lu", count, burst);
	sending = calloc(count / burst, sizeof(*sending));
	reading = calloc(count / burst, sizeof(*reading));
	if (!sending || !reading)
		die("no memory");
	/* The first burst fills caches, and says who gets what. */
	for (i = 0; i <= count; i += burst) {
		start = now();
		for (n = 0; n < burst; n++) {
			if (queues > 1) {
				port = htons(1000 + n);
				memcpy(buf + SOURCE_PORT, &port, sizeof(port));
			}
			if (writes) {
				if (write(tx.fd[n % queues], buf + skip, len - skip) != (ssize_t)(len - skip))
					die("write");
			} else if (sendto(fd, buf, len, 0, (void *)&to, sizeof(to)) != (ssize_t)len) {
				die("send");
			}
		}
		between = now();
		if (receives && i == 0 && !full) {
			n = drain(&rx);
			if (n != burst * pieces)
				die("%lu frames arrived, not %lu", n, burst * pieces);
			if (flags & TAP_WAIT) {
				for (n = 0; n < queues; n++)
					fcntl(rx.fd[n], F_SETFL, 0);
			}
		} else if (receives && !full) {
			read_burst(&rx);
		}
		if (i) {
			sending[bursts] = between - start;
			reading[bursts++] = now() - between;
		}
	}
	if (receives && (n = drain(&rx)) != (full ? burst : 0))
		die("%lu frames are left", n);
	result(count, 0, undisturbed(reads ? reading : sending, bursts));
}

/* null COUNT BURST 0|1: reads from /dev/null, or writes to it, as tap with that COUNT. */
static void null(char **arg)
{
	unsigned long count = number(arg[0]), burst = number(arg[1]), i, n, bursts = 0;
	int writes = number(arg[2]), fd = open("/dev/null", O_RDWR);
	uint64_t start, *times = calloc(count / burst, sizeof(*times));

	if (fd < 0 || !times)
		die("/dev/null");
	for (i = 0; i < count; i += burst) {
		start = now();
		for (n = 0; n < burst; n++) {
			if ((writes ? write(fd, buf, 1) : read(fd, in, 1)) != writes)
				die("/dev/null");
		}
		times[bursts++] = now() - start;
	}
	result(count, 0, undisturbed(times, bursts));
}

static socklen_t address(struct sockaddr_storage *sa, int family, int last, int port)
{
	char text[64];

	memset(sa, 0, sizeof(*sa));
	sa->ss_family = family;
	if (family == AF_INET) {
		struct sockaddr_in *in4 = (void *)sa;

		snprintf(text, sizeof(text), "198.18.0.%d", last);
		in4->sin_port = htons(port);
		inet_pton(family, text, &in4->sin_addr);
		return sizeof(*in4);
	} else {
		struct sockaddr_in6 *in6 = (void *)sa;

		snprintf(text, sizeof(text), "2001:db8::%d", last);
		in6->sin6_port = htons(port);
		inet_pton(family, text, &in6->sin6_addr);
		return sizeof(*in6);
	}
}

/* A socket in netns, bound to the address that ends in last. */
static int bound(const char *netns, int family, int type, int last, int port)
{
	struct sockaddr_storage sa;
	socklen_t len = address(&sa, family, last, port);
	int fd, size = 4 << 20, on = 1;

	enter(netns);
	fd = socket(family, type, 0);
	if (fd < 0)
		die("socket");
	/* Over the limit, so that a burst does not decide what is measured. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&sa, len))
		die("bind");
	return fd;
}

static void connect_to(int fd, int family, int last, int port)
{
	struct sockaddr_storage sa;
	socklen_t len = address(&sa, family, last, port);

	if (connect(fd, (void *)&sa, len))
		die("connect");
}

/* udp NETNS1 NETNS2 FAMILY SIZE COUNT SEGMENT; NETNS2 "-" if nobody receives. */
static void udp(char **arg)
{
	int family = number(arg[2]) == 6 ? AF_INET6 : AF_INET;
	size_t size = number(arg[3]), got;
	unsigned long count = number(arg[4]), i;
	int segment = number(arg[5]), on = 1, tx, rx = -1;
	uint64_t start = 0;
	ssize_t n;

	if (strcmp(arg[1], "-")) {
		rx = bound(arg[1], family, SOCK_DGRAM, 2, 9000);
		if (segment && setsockopt(rx, SOL_UDP, UDP_GRO, &on, sizeof(on)))
			die("UDP_GRO");
	}
	tx = bound(arg[0], family, SOCK_DGRAM, 1, 9001);
	connect_to(tx, family, 2, 9000);
	if (segment && setsockopt(tx, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
		die("UDP_SEGMENT");
	/* The first one, outside the time, fills caches: route, socket. */
	for (i = 0; i <= count; i++) {
		if (i == 1)
			start = now();
		if (send(tx, buf, size, 0) != (ssize_t)size)
			die("send %lu", i);
		for (got = 0; rx >= 0 && got < size; got += n) {
			/* With one CPU what was sent is there when send() returns. */
			n = recv(rx, in, sizeof(in), MSG_DONTWAIT);
			if (n <= 0)
				die("datagram %lu did not arrive, %zu of %zu bytes did", i, got, size);
		}
	}
	result(count, start, now());
}

/* A TCP connection between the namespaces; returns both ends, connector first. */
static void tcp_pair(char **netns, int family, int fd[2])
{
	int on = 1, listener = bound(netns[1], family, SOCK_STREAM, 2, 9000);

	if (listen(listener, 1))
		die("listen");
	fd[0] = bound(netns[0], family, SOCK_STREAM, 1, 0);
	connect_to(fd[0], family, 2, 9000);
	fd[1] = accept(listener, NULL, NULL);
	if (fd[1] < 0)
		die("accept");
	close(listener);
	setsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void pass(int from, int to, size_t size)
{
	size_t sent = 0, got = 0;
	ssize_t n;

	while (got < size) {
		if (sent < size) {
			n = send(from, buf, size - sent, MSG_DONTWAIT);
			if (n > 0)
				sent += n;
			else if (errno != EAGAIN)
				die("send");
		}
		n = recv(to, in, sizeof(in), MSG_DONTWAIT);
		if (n > 0)
			got += n;
		else if (n == 0 || errno != EAGAIN)
			die("recv");
	}
}

/* tcp NETNS1 NETNS2 FAMILY SIZE COUNT BOTH: BOTH 1 sends back as much. */
static void tcp(char **arg)
{
	int family = number(arg[2]) == 6 ? AF_INET6 : AF_INET, fd[2];
	size_t size = number(arg[3]);
	unsigned long count = number(arg[4]), both = number(arg[5]), i;
	uint64_t start = 0;

	tcp_pair(arg, family, fd);
	/* A while for the window to open. */
	for (i = 0; i < count + 200; i++) {
		if (i == 200)
			start = now();
		pass(fd[0], fd[1], size);
		if (both)
			pass(fd[1], fd[0], size);
	}
	result(count, start, now());
}

/* rr NETNS1 NETNS2 tcp4|udp4 COUNT: one byte there and back, two processes. */
static void rr(char **arg)
{
	unsigned long count = number(arg[3]), i;
	int fd[2], udp = !strcmp(arg[2], "udp4");
	uint64_t start = 0;
	pid_t child;

	if (udp) {
		fd[1] = bound(arg[1], AF_INET, SOCK_DGRAM, 2, 9000);
		fd[0] = bound(arg[0], AF_INET, SOCK_DGRAM, 1, 9001);
		connect_to(fd[0], AF_INET, 2, 9000);
		connect_to(fd[1], AF_INET, 1, 9001);
	} else {
		tcp_pair(arg, AF_INET, fd);
	}
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (recv(fd[1], in, 1, 0) == 1 && send(fd[1], in, 1, 0) == 1)
			;
		_exit(0);
	}
	for (i = 0; i < count + 100; i++) {
		if (i == 100)
			start = now();
		if (send(fd[0], buf, 1, 0) != 1 || recv(fd[0], in, 1, 0) != 1)
			die("request %lu", i);
	}
	result(count, start, now());
	fflush(stdout);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* netlink NETNS FILE: the route netlink requests in FILE, one by one. */
static void netlink(char **arg)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	unsigned long count = 0;
	struct nlmsghdr *req, *answer = (void *)in;
	size_t len, at;
	uint64_t start;
	FILE *f = fopen(arg[1], "r");
	char *all;
	int fd;

	if (!f || fseek(f, 0, SEEK_END))
		die("%s", arg[1]);
	len = ftell(f);
	rewind(f);
	all = malloc(len + 1);
	if (!all || fread(all, 1, len, f) != len)
		die("%s", arg[1]);
	enter(arg[0]);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (fd < 0)
		die("netlink");
	start = now();
	for (at = 0; at < len; at += NLMSG_ALIGN(req->nlmsg_len)) {
		req = (void *)(all + at);
		if (sendto(fd, req, req->nlmsg_len, 0, (void *)&kernel, sizeof(kernel)) < 0 ||
		    recv(fd, in, sizeof(in), 0) < 0)
			die("netlink");
		errno = -((struct nlmsgerr *)NLMSG_DATA(answer))->error;
		if (answer->nlmsg_type != NLMSG_ERROR || errno)
			die("request %lu", count);
		count++;
	}
	result(count, start, now());
}

/*
 * spin FILE: uses all the CPU time that nobody else wants, and counts its rounds
 * in FILE, until it is killed. With a clock that counts instructions, what it did
 * not get is exactly what everybody else executed.
 */
static void spin(char **arg)
{
	struct sched_param param = { 0 };
	int fd = open(arg[0], O_RDWR);
	volatile uint64_t *rounds;

	rounds = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || rounds == MAP_FAILED || sched_setscheduler(0, SCHED_IDLE, &param))
		die("%s", arg[0]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		++*rounds;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		void (*run)(char **arg);
	} modes[] = {
		{ "packet", 5, packet }, { "udp", 6, udp }, { "tcp", 6, tcp },
		{ "rr", 4, rr }, { "netlink", 2, netlink }, { "spin", 1, spin },
		{ "tap", 10, tap }, { "null", 3, null },
	};
	size_t i;

	/* Page faults are nothing that we want to measure. */
	mlockall(MCL_CURRENT | MCL_FUTURE);
	memset(buf, 'x', sizeof(buf));
	memset(in, 0, sizeof(in));
	for (i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (argc == modes[i].args + 2 && !strcmp(argv[1], modes[i].name)) {
			modes[i].run(argv + 2);
			return 0;
		}
	}
	fputs("usage: traffic packet NETNS DEVICES COUNT FILE VNET\n"
	      "       traffic udp NETNS1 NETNS2|- 4|6 SIZE COUNT SEGMENT\n"
	      "       traffic tcp NETNS1 NETNS2 4|6 SIZE COUNT BOTH\n"
	      "       traffic rr NETNS1 NETNS2 tcp4|udp4 COUNT\n"
	      "       traffic netlink NETNS FILE\n"
	      "       traffic spin FILE\n"
	      "       traffic tap NETNS TX RX|- FLAGS QUEUES COUNT FILE BURST PIECES fill|read|full|write\n"
	      "       traffic null COUNT BURST WRITE\n", stderr);
	return 2;
}
