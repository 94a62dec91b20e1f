// SPDX-License-Identifier: GPL-2.0
/*
 * What scripts/stress does to /dev/tapN: nonsense, fast, and everything at once.
 *
 *   tap fuzz SHARED SEED FROM TO NODE...
 *	Operations FROM to TO-1 of a seed on these nodes: commands and writes,
 *	while a thread reads. An operation depends on its number and the seed
 *	only; every BATCHth begins with new files.
 *   tap list SHARED SEED NODE...
 *	The same for the numbers of each line of the standard input, with new files
 *	for a line, and says "done" after each.
 *   tap hammer SHARED SEED MILLISECONDS NAMESPACE...
 *	A process in each of these namespaces opens nodes, those of /dev and some
 *	of its own, for whatever devices there are, and does all that can be done
 *	to them with threads of its own, processes that are killed while they
 *	wait, and files that it gets from the others.
 *
 * SHARED is a file of struct shared, for whoever watches.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BATCH 1024
#define ROOM (256 << 10)

enum count {
	OPENED, FULL, CLOSED, READ, WRITTEN, REFUSED, COMMANDS, DONE, POLLED, SIGNALS, PASSED,
	KILLED, COUNTS
};

struct shared {
	uint64_t number;	/* fuzz: of the operation that is done now */
	uint64_t quiet;		/* hammer: end as soon as you can */
	uint64_t counts[COUNTS];
};

static struct shared *shared;

static void count(enum count what)
{
	__atomic_fetch_add(&shared->counts[what], 1, __ATOMIC_RELAXED);
}

static void die(const char *what)
{
	fprintf(stderr, "tap: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* Chance. */

struct rng {
	uint64_t state;
};

static uint64_t draw(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint32_t below(struct rng *rng, uint32_t n)
{
	return (draw(rng) >> 32) * n >> 32;
}

/* In so many of a hundred cases. */
static int chance(struct rng *rng, uint32_t percent)
{
	return below(rng, 100) < percent;
}

#define one_of(rng, array) ((array)[below(rng, ARRAY_SIZE(array))])

static void fill(struct rng *rng, void *to, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t value = draw(rng);

		memcpy((char *)to + i, &value, len - i < 8 ? len - i : 8);
	}
}

/* Memory where an argument may be, or not. */

struct memory {
	char *room;	/* ROOM bytes, then a page that is not there */
	char *readonly;	/* a page */
};

static void memory_init(struct memory *memory)
{
	memory->room = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memory->readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory->room == MAP_FAILED || memory->readonly == MAP_FAILED ||
	    mprotect(memory->room + ROOM, 4096, PROT_NONE))
		die("mmap");
	memset(memory->room, 'x', ROOM);
}

/* Commands. */

#define TAP_GET_SOCKET _IO(0xFB, 0)

static const uint32_t known[] = {
	TUNSETIFF, TUNGETIFF, TUNSETQUEUE, TUNGETFEATURES, TUNSETSNDBUF, TUNSETOFFLOAD, TUNGETVNETHDRSZ,
	TUNSETVNETHDRSZ, TUNGETVNETLE, TUNSETVNETLE, SIOCGIFHWADDR, SIOCSIFHWADDR,
};

static const uint32_t others[] = {
	TUNSETNOCSUM, TUNSETDEBUG, TUNSETPERSIST, TUNSETOWNER, TUNSETLINK, TUNSETGROUP, TUNSETTXFILTER,
	TUNGETSNDBUF, TUNATTACHFILTER, TUNDETACHFILTER, TUNSETIFINDEX, TUNGETFILTER, TUNSETVNETBE,
	TUNGETVNETBE, TUNSETSTEERINGEBPF, TUNSETFILTEREBPF, TUNSETCARRIER, TUNGETDEVNETNS,
	0x8913 /* SIOCGIFFLAGS */, 0x8946 /* SIOCETHTOOL */, FIONREAD, TIOCOUTQ, 0, UINT32_MAX,
};

static const uint16_t usual_flags[] = {
	IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE, IFF_TAP | IFF_NO_PI,
};
static const int usual_lens[] = { 10, 10, 12, 12, 20, 64 };
static const int usual_numbers[] = { 0, 1, -1, 9, 10, 1000, 212992, INT_MAX, INT_MIN };

/* A queue as it is if the kernel does what it is told. */
struct queue {
	int fd;
	uint16_t flags;
	int hdr_len;
};

static int queue_open(struct queue *queue, const char *node)
{
	queue->fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	queue->flags = usual_flags[0];
	queue->hdr_len = usual_lens[0];
	if (queue->fd >= 0)
		count(OPENED);
	else if (errno == EBUSY)
		count(FULL);
	return queue->fd;
}

/* Addresses of endpoints, of the ends of pairs, of nobody, and groups. */
static void mac(struct rng *rng, uint8_t *to)
{
	static const uint8_t groups[][6] = {
		{ 255, 255, 255, 255, 255, 255 }, { 1, 0, 0x5e, 0, 0, 1 }, { 0x33, 0x33, 0, 0, 0, 1 },
		{ 1, 0x80, 0xc2, 0, 0, 0 },
	};
	uint8_t found[6] = { 2, 0, 0, 0, 0, 0 };

	switch (below(rng, 10)) {
	case 0:
		memcpy(found, one_of(rng, groups), 6);
		break;
	case 1:
		found[5] = 1 + below(rng, 3);
		break;
	case 2:
		fill(rng, found, 6);
		break;
	default:
		found[5] = 0xe0 + below(rng, 5);
	}
	memcpy(to, found, 6);
}

/* The queue is a socket from now on, which does all that the file does. */
static void as_socket(struct rng *rng, const struct queue *queue)
{
	int sock = ioctl(queue->fd, TAP_GET_SOCKET);

	if (sock < 0)
		return;
	fcntl(sock, F_SETFL, O_NONBLOCK);
	if (chance(rng, 70))
		dup3(sock, queue->fd, O_CLOEXEC);
	close(sock);
}

/* What can be asked of a socket, if it is one. */
static void socket_call(struct rng *rng, int fd, const struct memory *memory)
{
	struct iovec iov = { memory->room, below(rng, 3000) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	static const uint32_t flags[] = {
		0, MSG_TRUNC, MSG_PEEK, MSG_OOB, MSG_ERRQUEUE, MSG_WAITALL, MSG_MORE, MSG_ZEROCOPY, MSG_EOR,
	};
	char value[64];

	fill(rng, value, sizeof(value));
	switch (below(rng, 8)) {
	case 0: case 1:
		if (chance(rng, 50))
			memset(value + 1, 0, sizeof(value) - 1);
		setsockopt(fd, chance(rng, 90) ? SOL_SOCKET : (int)below(rng, 300), below(rng, 90), value,
			   chance(rng, 70) ? 4 : below(rng, sizeof(value)));
		break;
	case 2:
		getsockopt(fd, SOL_SOCKET, below(rng, 90), value, &(socklen_t){ below(rng, sizeof(value)) });
		break;
	case 3: case 4:
		if (chance(rng, 50)) {
			msg.msg_control = value;
			msg.msg_controllen = below(rng, sizeof(value));
			*(size_t *)value = chance(rng, 50) ? msg.msg_controllen : 16;
		}
		if (chance(rng, 20)) {
			msg.msg_name = value;
			msg.msg_namelen = below(rng, sizeof(value));
		}
		sendmsg(fd, &msg, one_of(rng, flags) | MSG_DONTWAIT);
		break;
	case 5:
		msg.msg_control = value;
		msg.msg_controllen = sizeof(value);
		recvmsg(fd, &msg, one_of(rng, flags) | one_of(rng, flags) | MSG_DONTWAIT);
		break;
	case 6:
		accept4(fd, NULL, NULL, SOCK_NONBLOCK);
		bind(fd, (struct sockaddr *)value, below(rng, sizeof(value)));
		break;
	default:
		shutdown(fd, below(rng, 4));
		listen(fd, 1);
	}
}

/* One command, of those that are known or not, with an argument that fits or not. */
static void command(struct rng *rng, struct queue *queue, const struct memory *memory)
{
	uint32_t which = below(rng, 20), cmd = one_of(rng, known);
	uint64_t arg;
	char *at;

	if (chance(rng, 4)) {
		if (chance(rng, 10))
			as_socket(rng, queue);
		else
			socket_call(rng, queue->fd, memory);
		return;
	}
	if (which >= 14)
		cmd = one_of(rng, others);
	if (which >= 17)
		cmd ^= 1u << below(rng, 32);
	if (which == 19)
		cmd = draw(rng);
	/* What would not come back, or not be a command to this file. */
	if (cmd == FIONBIO || cmd == FIOASYNC || cmd == FIOCLEX)
		return;
	/* An argument at the end of what is there. */
	at = memory->room + ROOM - (chance(rng, 90) ? 64 : below(rng, 64));
	fill(rng, at, memory->room + ROOM - at);
	if (at == memory->room + ROOM - 64) {
		uint16_t flags = chance(rng, 80) ? one_of(rng, usual_flags) : draw(rng);
		int number = chance(rng, 50) ? one_of(rng, usual_numbers) : (int)draw(rng);

		switch (cmd) {
		case TUNSETQUEUE:
			flags = chance(rng, 60) ? IFF_ATTACH_QUEUE : chance(rng, 60) ? IFF_DETACH_QUEUE : draw(rng);
			/* fallthrough */
		case TUNSETIFF:
			memcpy(at + 16, &flags, sizeof(flags));
			if (cmd == TUNSETIFF &&
			    (flags & ~(IFF_VNET_HDR | IFF_MULTI_QUEUE)) == (IFF_TAP | IFF_NO_PI))
				queue->flags = flags;
			break;
		case TUNSETSNDBUF:
			if (chance(rng, 80))
				number = 1 << 20;
			memcpy(at, &number, sizeof(number));
			break;
		case TUNSETVNETHDRSZ:
			if (chance(rng, 85))
				number = one_of(rng, usual_lens);
			memcpy(at, &number, sizeof(number));
			if (number >= 10)
				queue->hdr_len = number;
			break;
		case TUNSETVNETLE:
			memcpy(at, &number, sizeof(number));
			break;
		case SIOCSIFHWADDR:
			memcpy(at + 16, chance(rng, 90) ? "\1\0" : "\2\1", 2);
			mac(rng, (uint8_t *)at + 18);
			break;
		}
	}
	arg = (uintptr_t)at;
	if (cmd == TUNSETOFFLOAD && chance(rng, 90))
		arg = chance(rng, 80) ? below(rng, 128) : below(rng, 1024);
	else if (chance(rng, 10))
		arg = chance(rng, 30) ? 0 : chance(rng, 30) ? below(rng, 8192) :
		      chance(rng, 30) ? 0xffff888000000000ull + below(rng, 1 << 30) :
		      chance(rng, 50) ? (uintptr_t)memory->readonly : draw(rng);
	count(COMMANDS);
	if (ioctl(queue->fd, cmd, arg) >= 0)
		count(DONE);
}

/* Frames. */

static size_t put16(uint8_t *to, uint16_t value)
{
	to[0] = value >> 8;
	to[1] = value;
	return 2;
}

static uint16_t ip_sum(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += data[i] << 8 | data[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static uint32_t length(struct rng *rng)
{
	static const uint32_t edges[] = {
		0, 1, 13, 14, 15, 17, 18, 33, 34, 42, 59, 60, 64, 128, 590, 1500, 1513, 1514, 1515, 1518, 4096,
		9014, 16384, 32768, 65535, 65549, 65550, 65553, 65600, 131072,
	};

	switch (below(rng, 20)) {
	case 0:
		return below(rng, 128 << 10);
	case 1: case 2: case 3:
		return one_of(rng, edges);
	case 4:
		return below(rng, 9000);
	default:
		return below(rng, 1480);
	}
}

struct frame {
	uint32_t len;
	int family, proto;	/* 0: none */
	uint32_t l4;		/* where it begins */
	int checksum;		/* behind that */
};

/* Mostly almost right, which gets further than noise. */
static struct frame make_frame(struct rng *rng, uint8_t *data)
{
	static const uint8_t protos[] = { 6, 6, 6, 17, 17, 1, 132, 4, 47, 0, 43, 44, 60 };
	static const uint16_t odd_types[] = { 0, 60, 1500, 0x88b5, 0x88cc, 0x8847, 0x8100, 0x88a8, 0x0806 };
	struct frame frame = { 0 };
	uint32_t payload = length(rng), at = 12, tags = chance(rng, 70) ? 0 : 1 + below(rng, 3), total;
	uint8_t *ip;

	/* Fresh bytes at the beginning only: it is to be fast. */
	fill(rng, data, 128);
	mac(rng, data);
	mac(rng, data + 6);
	if (chance(rng, 20))
		memcpy(data + 6, data, 6);
	while (tags--) {
		at += put16(data + at, chance(rng, 70) ? 0x8100 : 0x88a8);
		at += put16(data + at, chance(rng, 70) ? below(rng, 4096) : draw(rng));
	}
	switch (below(rng, 5)) {
	case 0: case 1:
		frame.family = 4;
		break;
	case 2: case 3:
		frame.family = 6;
		break;
	default:
		at += put16(data + at, chance(rng, 80) ? one_of(rng, odd_types) : draw(rng));
		frame.len = at + payload;
		return frame;
	}
	at += put16(data + at, frame.family == 4 ? 0x0800 : 0x86dd);
	ip = data + at;
	frame.proto = chance(rng, 95) ? one_of(rng, protos) : below(rng, 256);
	total = payload + (frame.family == 4 ? 20 : 0);
	if (chance(rng, 10))
		total = draw(rng);
	if (frame.family == 4) {
		const uint8_t host = 11 + below(rng, 5);

		ip[0] = 0x40 | (chance(rng, 95) ? 5 : below(rng, 16));
		put16(ip + 2, total);
		put16(ip + 6, chance(rng, 90) ? 0 : draw(rng));
		ip[8] = 64;
		ip[9] = frame.proto;
		put16(ip + 10, 0);
		memcpy(ip + 12, (uint8_t []){ 10, 8, 0, 11 + below(rng, 5), 10, 8, 0, host }, 8);
		if (chance(rng, 20))
			ip[19] = 1 + below(rng, 2);
		put16(ip + 10, ip_sum(ip, 20));
		at += 20;
	} else {
		put16(ip, 0x6000);
		put16(ip + 2, 0);
		put16(ip + 4, total);
		ip[6] = frame.proto;
		ip[7] = 64;
		memset(ip + 8, 0, 32);
		ip[8] = ip[24] = 0xfe;
		ip[9] = ip[25] = 0x80;
		ip[22] = ip[38] = 0;
		/* As text fe80::11 to fe80::15, as messages have it. */
		ip[23] = 0x11 + below(rng, 5);
		ip[39] = 0x11 + below(rng, 5);
		if (chance(rng, 10))
			memcpy(ip + 24, (uint8_t []){ 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 16);
		at += 40;
	}
	frame.l4 = at;
	put16(data + at, 9);
	put16(data + at + 2, 9);
	if (frame.proto == 6) {
		data[at + 12] = chance(rng, 90) ? 0x50 : below(rng, 16) << 4;
		frame.checksum = 16;
	} else if (frame.proto == 17) {
		put16(data + at + 4, chance(rng, 85) ? payload : draw(rng));
		frame.checksum = 6;
	}
	frame.len = at + payload;
	if (chance(rng, 10))
		frame.len = below(rng, frame.len + 1);
	return frame;
}

/* A virtio-net header that fits the frame, or has something wrong. */
static void make_hdr(struct rng *rng, const struct frame *frame, uint8_t *to)
{
	static const uint8_t types[] = { 0, 1, 3, 4, 5, 0x81, 0x84, 0x80, 2, 6, 0x20, 0x40, 0x7f, 0xff };
	static const uint16_t sizes[] = { 1, 7, 8, 100, 536, 1000, 1448, 65535 };
	static const uint16_t edges[] = { 0, 1, 13, 14, 20, 34, 40, 54, 0x7fff, 0xffff };
	uint16_t hdr_len = 0, size = 0, start = 0, offset = 0;
	uint8_t flags = 0, type = 0;

	if (chance(rng, 70) && frame->checksum) {
		flags = 1;
		start = frame->l4;
		offset = frame->checksum;
		hdr_len = start + (frame->proto == 6 ? 20 : 8);
		size = one_of(rng, sizes);
		type = chance(rng, 30) ? 0 : frame->proto == 17 ? 5 : frame->family == 4 ? 1 : 4;
		if (!type)
			size = 0;
	}
	/* One thing wrong, or all. */
	for (uint32_t odd = chance(rng, 50) ? 0 : chance(rng, 80) ? 1 : 6; odd; odd--) {
		uint16_t number = chance(rng, 40) ? one_of(rng, edges) : chance(rng, 50) ? below(rng, 200) :
				  chance(rng, 50) ? frame->len + below(rng, 4) - 2 : draw(rng);

		switch (below(rng, 6)) {
		case 0:
			flags = draw(rng);
			break;
		case 1:
			type = one_of(rng, types);
			break;
		case 2:
			hdr_len = number;
			break;
		case 3:
			size = chance(rng, 50) ? one_of(rng, sizes) : number;
			break;
		case 4:
			start = number;
			break;
		default:
			offset = number;
		}
	}
	/* Cutting a frame into thousands of pieces takes an emulated debug kernel half a minute. */
	if (type && size) {
		uint32_t most = chance(rng, 2) ? 400 : 40;

		if (frame->len / (size < 8 ? 8 : size) > most)
			size = frame->len / most + 1;
	}
	to[0] = flags;
	to[1] = type;
	memcpy(to + 2, &hdr_len, 2);
	memcpy(to + 4, &size, 2);
	memcpy(to + 6, &start, 2);
	memcpy(to + 8, &offset, 2);
}

/* A write, with its bytes in several pieces. */
static void write_frame(struct rng *rng, const struct queue *queue, const struct memory *memory)
{
	uint8_t *data = (uint8_t *)memory->room + 4096;
	struct iovec pieces[9];
	struct frame frame = make_frame(rng, data);
	size_t len = frame.len;
	int some = 0, split = chance(rng, 30) ? 1 + below(rng, 8) : 0;
	ssize_t result;

	if (queue->flags & IFF_VNET_HDR) {
		int hdr_len = queue->hdr_len > 4096 ? 10 : queue->hdr_len;

		data -= hdr_len;
		make_hdr(rng, &frame, data);
		memset(data + 10, draw(rng), hdr_len - 10);
		len += hdr_len;
		if (chance(rng, 2))
			len = below(rng, hdr_len + 1);
	}
	while (split-- && len) {
		size_t piece = chance(rng, 50) ? below(rng, 20) : below(rng, len + 1);

		if (piece > len)
			piece = len;
		pieces[some++] = (struct iovec){ data, piece };
		data += piece;
		len -= piece;
	}
	pieces[some++] = (struct iovec){ data, len };
	if (chance(rng, 3))
		pieces[below(rng, some)].iov_base = chance(rng, 50) ? memory->room + ROOM - below(rng, 64) : NULL;
	/* Much, but not there. */
	if (chance(rng, 1) && chance(rng, 20))
		pieces[some - 1] = (struct iovec){ memory->room, draw(rng) & 0x7fffffff };
	result = some == 1 && chance(rng, 80) ? write(queue->fd, pieces[0].iov_base, pieces[0].iov_len) :
		 writev(queue->fd, pieces, some);
	count(result >= 0 ? WRITTEN : REFUSED);
}

/* A read into pieces of any size; 0 if there was nothing. */
static int read_frame(struct rng *rng, int fd, const struct memory *memory)
{
	struct iovec pieces[3] = {
		{ memory->room, chance(rng, 80) ? 70000 : below(rng, 200) },
		{ memory->room + 70000, below(rng, 100) },
		{ chance(rng, 95) ? memory->room + 80000 : memory->readonly, 70000 },
	};
	ssize_t result = chance(rng, 70) ? read(fd, pieces[0].iov_base, pieces[0].iov_len) : readv(fd, pieces, 3);

	if (result > 0)
		count(READ);
	return result >= 0 || errno != EAGAIN;
}

/* Fuzz. */

#define QUEUES 3
#define MOST_NODES 32

static struct queue queues[MOST_NODES * QUEUES];
static uint32_t queue_count;

static void *drain(void *arg)
{
	struct rng rng = { *(uint64_t *)arg };
	struct memory memory;

	memory_init(&memory);
	for (;;) {
		uint32_t found = 0;

		pthread_testcancel();
		for (uint32_t i = 0; i < queue_count; i++)
			for (int most = 8; most-- && read_frame(&rng, queues[i].fd, &memory);)
				found++;
		if (!found)
			usleep(20000);
	}
	return NULL;
}

static void interrupted(int signal)
{
	(void)signal;
}

static pthread_t batch_begins(uint64_t reader_seed, char **nodes, int node_count)
{
	/* It looks at its seed after this has returned. */
	static uint64_t reads;
	pthread_t reader;

	reads = reader_seed;
	queue_count = 0;
	for (int i = 0; i < node_count * QUEUES; i++)
		if (queue_open(&queues[queue_count], nodes[i % node_count]) >= 0)
			queue_count++;
	if (!queue_count)
		die("no node can be opened");
	if (pthread_create(&reader, NULL, drain, &reads))
		die("pthread_create");
	return reader;
}

static void operation(uint64_t seed, uint64_t number, const struct memory *memory)
{
	struct rng rng = { seed * 0x100000001b3ull ^ number * 0x2545f4914f6cdd1dull };
	struct queue *queue = &queues[below(&rng, queue_count)];

	shared->number = number;
	if (chance(&rng, 50))
		command(&rng, queue, memory);
	else
		write_frame(&rng, queue, memory);
}

static void batch_ends(pthread_t reader)
{
	pthread_cancel(reader);
	pthread_join(reader, NULL);
	for (uint32_t i = 0; i < queue_count; i++)
		close(queues[i].fd);
}

static void fuzz_batch(uint64_t seed, uint64_t from, uint64_t to, char **nodes, int node_count,
		       const struct memory *memory)
{
	pthread_t reader = batch_begins(seed ^ from, nodes, node_count);

	for (uint64_t number = from; number < to; number++)
		operation(seed, number, memory);
	batch_ends(reader);
}

/* Nothing should wait; what does nevertheless ends. */
static void wait_no_longer(void)
{
	const struct itimerval second = { { 1, 0 }, { 1, 0 } };
	struct sigaction action = { .sa_handler = interrupted };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &second, NULL);
}

static int list(uint64_t seed, char **nodes, int node_count)
{
	struct memory memory;
	char *line = NULL;
	size_t room = 0;
	sigset_t alarm;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	if (node_count > MOST_NODES)
		node_count = MOST_NODES;
	wait_no_longer();
	memory_init(&memory);
	for (;;) {
		pthread_t reader;

		/* For a line it does wait. */
		pthread_sigmask(SIG_BLOCK, &alarm, NULL);
		if (getline(&line, &room, stdin) < 0)
			return 0;
		pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
		reader = batch_begins(seed, nodes, node_count);
		for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
			operation(seed, strtoull(word, NULL, 0), &memory);
		batch_ends(reader);
		puts("done");
		fflush(stdout);
	}
}

/* Several at once, each with batches of its own. */
#define JOBS 2

static int fuzz(uint64_t seed, uint64_t from, uint64_t to, char **nodes, int node_count)
{
	struct memory memory;
	int failed = 0, status;

	if (node_count > MOST_NODES)
		node_count = MOST_NODES;
	from = from / BATCH * BATCH;
	for (uint64_t job = 0; job < JOBS; job++) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		wait_no_longer();
		memory_init(&memory);
		for (uint64_t at = from + job * BATCH; at < to; at += JOBS * BATCH)
			fuzz_batch(seed, at, at + BATCH < to ? at + BATCH : to, nodes, node_count, &memory);
		exit(0);
	}
	while (wait(&status) > 0)
		failed |= status;
	return !!failed;
}

/* Hammer. */

#define FILES 80
#define OWN_NODES "/run/stress-nodes"
#define MINORS 14

static struct queue files[FILES];
static int ends[16][2], end_count, own_end;
static uint64_t hammer_until;

/* One node more or less of each number, as devtmpfs has one only for each name. */
static void own_nodes(void)
{
	char line[128], name[64];
	unsigned int major = 0, found;
	FILE *file = fopen("/proc/devices", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%u %63s", &found, name) == 2 && !strcmp(name, "rnetvirt"))
			major = found;
	if (file)
		fclose(file);
	mkdir(OWN_NODES, 0700);
	for (unsigned int minor = 0; major && minor <= MINORS; minor++) {
		snprintf(line, sizeof(line), OWN_NODES "/%u-%u", major, minor);
		mknod(line, S_IFCHR | 0600, makedev(major, minor));
	}
}

static int open_some(struct rng *rng, struct queue *queue)
{
	glob_t found;
	int result = -1;

	if (!glob(chance(rng, 50) ? "/dev/tap*" : OWN_NODES "/*", 0, NULL, &found)) {
		result = queue_open(queue, found.gl_pathv[below(rng, found.gl_pathc)]);
		globfree(&found);
	}
	return result;
}

/* As many queues as there can be, and more. */
static void open_all(struct rng *rng)
{
	char path[PATH_MAX], link[64];
	int many[300], some = 0;
	struct queue first;
	ssize_t len;

	if (open_some(rng, &first) < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", first.fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len < 0 ? 0 : len] = 0;
	while (some < 300) {
		struct queue more;

		if (queue_open(&more, path) < 0)
			break;
		many[some++] = more.fd;
		if (chance(rng, 10)) {
			struct ifreq ifr = { .ifr_flags = IFF_DETACH_QUEUE };

			ioctl(more.fd, TUNSETQUEUE, &ifr);
		}
	}
	while (some) {
		close(many[--some]);
		count(CLOSED);
	}
	close(first.fd);
	count(CLOSED);
}

/* Somebody waits for a frame, or for room for one, and is killed or interrupted. */
static void wait_and_die(struct rng *rng, const struct queue *some, const struct memory *memory)
{
	int writes = chance(rng, 40), by_signal = chance(rng, 50);
	useconds_t wait = below(rng, 30000);
	pid_t parent = getpid();
	struct queue queue;
	pid_t pid;

	if (chance(rng, 50))
		queue = *some;
	else if (open_some(rng, &queue) < 0)
		return;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		fcntl(queue.fd, F_SETFL, chance(rng, 30) ? O_ASYNC : 0);
		if (writes) {
			int little = 1;

			ioctl(queue.fd, TUNSETSNDBUF, &little);
		}
		for (int i = 0; i < 50; i++) {
			if (writes)
				write_frame(rng, &queue, memory);
			else if (read(queue.fd, memory->room, ROOM) < 0)
				break;
		}
		_exit(0);
	}
	if (pid > 0) {
		usleep(wait);
		kill(pid, by_signal ? SIGKILL : SIGUSR1);
		if (!by_signal) {
			usleep(1000);
			kill(pid, SIGKILL);
		}
		waitpid(pid, NULL, 0);
		count(KILLED);
	}
	if (queue.fd != some->fd) {
		close(queue.fd);
		count(CLOSED);
	} else {
		int usual = 1 << 20;

		fcntl(queue.fd, F_SETFL, O_NONBLOCK);
		ioctl(queue.fd, TUNSETSNDBUF, &usual);
	}
}

static void pass(struct rng *rng, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	if (sendmsg(ends[below(rng, end_count)][1], &msg, MSG_DONTWAIT) > 0)
		count(PASSED);
}

static int get_passed(void)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	int fd = -1;

	if (recvmsg(ends[own_end][0], &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

static void ask(struct rng *rng, int epoll)
{
	struct pollfd polled[FILES];
	struct epoll_event events[8];
	fd_set in, out;
	struct timeval tv = { 0, below(rng, 3000) };
	int most = -1, fd;

	switch (below(rng, 3)) {
	case 0:
		for (int i = 0; i < FILES; i++)
			polled[i] = (struct pollfd){ files[i].fd, chance(rng, 50) ? POLLIN : POLLIN | POLLOUT, 0 };
		poll(polled, FILES, below(rng, 3));
		break;
	case 1:
		FD_ZERO(&in);
		FD_ZERO(&out);
		for (int i = 0; i < FILES; i++) {
			fd = files[i].fd;
			if (fd < 0 || fd >= FD_SETSIZE)
				continue;
			FD_SET(fd, chance(rng, 50) ? &in : &out);
			most = fd > most ? fd : most;
		}
		select(most + 1, &in, &out, NULL, &tv);
		break;
	default:
		fd = files[below(rng, FILES)].fd;
		events[0].events = EPOLLIN | EPOLLOUT | (chance(rng, 50) ? EPOLLET : 0) |
				   (chance(rng, 20) ? EPOLLONESHOT : 0);
		events[0].data.fd = fd;
		epoll_ctl(epoll, chance(rng, 70) ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, events);
		epoll_wait(epoll, events, 8, below(rng, 3));
	}
	count(POLLED);
}

static void signalled(int signal)
{
	(void)signal;
	if (shared)
		count(SIGNALS);
}

static void *hammer_thread(void *arg)
{
	struct rng rng = { *(uint64_t *)arg };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct memory memory;

	memory_init(&memory);
	while (now_ms() < hammer_until && !__atomic_load_n(&shared->quiet, __ATOMIC_RELAXED)) {
		struct queue *queue = &files[below(&rng, FILES)], old;
		uint32_t what = below(&rng, 1000);
		int fd;

		/* Opening takes long: the kernel has one lock for that, which others want. */
		for (int i = 0; i < FILES && queue->fd < 0 && what >= 80; i++)
			queue = &files[(queue - files + 1) % FILES];
		if (queue->fd < 0 || what < 40) {
			old = *queue;
			if (open_some(&rng, queue) < 0)
				usleep(500);
			if (old.fd >= 0) {
				close(old.fd);
				count(CLOSED);
			}
		} else if (what < 80) {
			fd = queue->fd;
			queue->fd = -1;
			close(fd);
			count(CLOSED);
		} else if (what < 82) {
			open_all(&rng);
		} else if (what < 100) {
			wait_and_die(&rng, queue, &memory);
		} else if (what < 130) {
			pass(&rng, queue->fd);
		} else if (what < 160) {
			fd = get_passed();
			if (fd >= 0 && queue->fd >= 0)
				close(queue->fd);
			if (fd >= 0)
				queue->fd = fd;
		} else if (what < 200) {
			fcntl(queue->fd, F_SETOWN, getpid());
			fcntl(queue->fd, F_SETFL, O_NONBLOCK | (chance(&rng, 60) ? O_ASYNC : 0));
		} else if (what < 230) {
			fd = fcntl(queue->fd, F_DUPFD_CLOEXEC, 0);
			close(queue->fd);
			queue->fd = fd;
		} else if (what < 240) {
			as_socket(&rng, queue);
		} else if (what < 300) {
			ask(&rng, epoll);
		} else if (what < 450) {
			command(&rng, queue, &memory);
		} else if (what < 700) {
			write_frame(&rng, queue, &memory);
		} else {
			read_frame(&rng, queue->fd, &memory);
		}
	}
	return NULL;
}

static int hammer(uint64_t seed, uint64_t milliseconds, char **spaces, int space_count)
{
	struct sigaction action = { .sa_handler = signalled };
	int status, failed = 0;

	end_count = space_count < 16 ? space_count : 16;
	hammer_until = now_ms() + milliseconds;
	own_nodes();
	for (int i = 0; i < end_count; i++)
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends[i]))
			die("socketpair");
	for (int i = 0; i < end_count; i++) {
		pthread_t threads[2];
		uint64_t seeds[2] = { seed + 2 * i, seed + 2 * i + 1 };
		int space;

		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		own_end = i;
		sigaction(SIGIO, &action, NULL);
		sigaction(SIGUSR1, &action, NULL);
		/* It may be gone: then from where we are. */
		space = open(spaces[i], O_RDONLY | O_CLOEXEC);
		if (space >= 0) {
			setns(space, CLONE_NEWNET);
			close(space);
		}
		for (int j = 0; j < FILES; j++)
			files[j].fd = -1;
		for (int j = 0; j < 2; j++)
			if (pthread_create(&threads[j], NULL, hammer_thread, &seeds[j]))
				die("pthread_create");
		for (int j = 0; j < 2; j++)
			pthread_join(threads[j], NULL);
		exit(0);
	}
	while (wait(&status) > 0)
		failed |= status;
	return !!failed;
}

int main(int argc, char **argv)
{
	int file;

	if (argc < 5)
		return 2;
	file = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0 || ftruncate(file, sizeof(*shared)))
		die(argv[2]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	if (!strcmp(argv[1], "fuzz") && argc > 6)
		return fuzz(strtoull(argv[3], NULL, 0), strtoull(argv[4], NULL, 0), strtoull(argv[5], NULL, 0),
			    argv + 6, argc - 6);
	if (!strcmp(argv[1], "list"))
		return list(strtoull(argv[3], NULL, 0), argv + 4, argc - 4);
	if (!strcmp(argv[1], "hammer") && argc > 5)
		return hammer(strtoull(argv[3], NULL, 0), strtoull(argv[4], NULL, 0), argv + 5, argc - 5);
	return 2;
}
