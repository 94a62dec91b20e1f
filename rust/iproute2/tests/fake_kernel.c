// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into ip, this plays the kernel's end of its netlink sockets: requests
 * are appended to the file FAKE_SENT, and a question for links is answered with the
 * messages in the file FAKE_DUMP. Every other request is acknowledged, so nothing
 * happens to the machine's own links.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static char answer[16384] __attribute__((aligned(4)));
static size_t answer_len;

static void bug(const char *what)
{
	fprintf(stderr, "fake kernel: %s\n", what);
	abort();
}

static void reply(int fd, const struct nlmsghdr *to, struct nlmsghdr *with)
{
	struct sockaddr_nl self = { 0 };
	socklen_t len = sizeof(self);

	if (getsockname(fd, (struct sockaddr *)&self, &len))
		bug("not a netlink socket");
	if (answer_len + NLMSG_ALIGN(with->nlmsg_len) > sizeof(answer))
		bug("the answer is too long");
	with->nlmsg_seq = to->nlmsg_seq;
	with->nlmsg_pid = self.nl_pid;
	memcpy(answer + answer_len, with, with->nlmsg_len);
	answer_len += NLMSG_ALIGN(with->nlmsg_len);
}

static void reply_status(int fd, const struct nlmsghdr *to, int type, int error)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} message = {
		.header.nlmsg_len = sizeof(message),
		.header.nlmsg_type = type,
		.error.error = error,
		.error.msg = *to,
	};

	if (type == NLMSG_DONE)
		message.header.nlmsg_flags = NLM_F_MULTI;
	reply(fd, to, &message.header);
}

static void reply_links(int fd, const struct nlmsghdr *to)
{
	static char dump[8192] __attribute__((aligned(4)));
	const char *name = getenv("FAKE_DUMP");
	int multi = to->nlmsg_flags & NLM_F_DUMP ? NLM_F_MULTI : 0;
	struct nlmsghdr *link = (struct nlmsghdr *)dump;
	FILE *file = name ? fopen(name, "r") : NULL;
	int left;

	if (!file) {
		reply_status(fd, to, NLMSG_ERROR, -ENODEV);
		return;
	}
	left = fread(dump, 1, sizeof(dump), file);
	fclose(file);
	for (; NLMSG_OK(link, left); link = NLMSG_NEXT(link, left)) {
		link->nlmsg_flags = multi;
		reply(fd, to, link);
	}
	if (multi)
		reply_status(fd, to, NLMSG_DONE, 0);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	const struct nlmsghdr *request = buf;
	const char *name = getenv("FAKE_SENT");
	FILE *file = name ? fopen(name, "a") : NULL;

	if (!file || fwrite(buf, 1, len, file) != len || fclose(file))
		bug("cannot write FAKE_SENT");
	answer_len = 0;
	if (request->nlmsg_type == RTM_GETLINK)
		reply_links(fd, request);
	else
		reply_status(fd, request, NLMSG_ERROR, 0);
	return len;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	if (msg->msg_iovlen != 1)
		bug("a request in pieces");
	return send(fd, msg->msg_iov->iov_base, msg->msg_iov->iov_len, flags);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	size_t room = msg->msg_iov->iov_len;

	if (!answer_len)
		bug("nothing to receive");
	memcpy(msg->msg_name, &kernel, sizeof(kernel));
	msg->msg_namelen = sizeof(kernel);
	msg->msg_flags = room < answer_len ? MSG_TRUNC : 0;
	memcpy(msg->msg_iov->iov_base, answer, room < answer_len ? room : answer_len);
	room = answer_len;
	if (!(flags & MSG_PEEK))
		answer_len = 0;
	return room;
}
