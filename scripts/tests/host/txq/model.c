// SPDX-License-Identifier: GPL-2.0
/*
 * Two threads, who sends and who polls, in every order that there is, and with every delay
 * of what they write: does a packet wait for ever? "usage: model PLACES PACKETS": so many
 * are in the ring at most, so many are sent.
 *
 * What they do is that of the driver: rust/helpers/txq.c and rust/abstractions/net/txq.rs
 * are compiled into this, and model.rs has the steps of the transmit path and of a poll.
 *
 * Threads are switched before each operation whose time matters. A run is a list of
 * choices: who goes on, or whose write gets to memory. All lists are tried, depth first,
 * but for those that lead where another one was: where a thread is follows from what it has read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "model.h"

enum { THREADS = 2, WRITES = 8, CHOICES = 4096, STACK = 1 << 16, PLACES = 4, SEEN = 1 << 22 };

struct write {
	unsigned long *addr, set, clear;
	unsigned int group;
};

static struct thread {
	ucontext_t context;
	char stack[STACK];
	/* Those that have not got to memory, the oldest one first. */
	struct write writes[WRITES];
	unsigned int pending, group;
	bool (*blocked)(void);
	bool done;
	/* Of all that it has read. */
	unsigned long history;
} threads[THREADS];

static struct choice {
	int taken, possible;
} choices[CHOICES];

static ucontext_t scheduler;
static struct thread *current;
static int depth, known;
static unsigned long seen[SEEN];
static unsigned int states;
static struct net_device dev = { .num_tx_queues = 1, ._tx = &dev.txq };
static unsigned long ring[PLACES];
static unsigned int places, packets, producer, consumer, sent, received;

static void die(const char *what)
{
	fprintf(stderr, "model: %s\n", what);
	exit(2);
}

static void apply(const struct write *write, unsigned long *value)
{
	*value = (*value & ~write->clear) | write->set;
}

static void reach_memory(struct thread *thread, unsigned int index)
{
	struct write *write = &thread->writes[index];

	apply(write, write->addr);
	thread->pending--;
	memmove(write, write + 1, (thread->pending - index) * sizeof(*write));
}

/* Not before those on the other side of a barrier, and those to the same place. */
static bool may_reach_memory(const struct thread *thread, unsigned int index)
{
	const struct write *write = &thread->writes[index], *other;

	for (other = thread->writes; other < write; other++)
		if (other->addr == write->addr || other->group != write->group)
			return false;
	return true;
}

static unsigned long mixed(unsigned long hash, unsigned long value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15UL;
	return hash ^ hash >> 29;
}

/* Whether this is where another run was. */
static bool seen_before(void)
{
	const struct thread *thread;
	unsigned long hash = mixed(dev.txq.state, dev.txq.scheduled + 1);
	unsigned int i;

	for (i = 0; i < places; i++)
		hash = mixed(hash, ring[i]);
	for (thread = threads; thread < threads + THREADS; thread++) {
		hash = mixed(hash, thread->history);
		for (i = 0; i < thread->pending; i++) {
			const struct write *write = &thread->writes[i];

			hash = mixed(hash, (unsigned long)write->addr);
			hash = mixed(mixed(hash, write->set), write->clear);
			hash = mixed(hash, thread->group - write->group);
		}
		hash = mixed(hash, thread->pending);
	}
	for (i = hash % SEEN; seen[i]; i = (i + 1) % SEEN)
		if (seen[i] == hash)
			return true;
	if (++states == SEEN / 2)
		die("too many states");
	seen[i] = hash;
	return false;
}

static void others_first(void)
{
	swapcontext(&current->context, &scheduler);
}

/* The thread is one step further, and knows this. */
static unsigned long noted(unsigned long value)
{
	current->history = mixed(current->history, value + 1);
	return value;
}

static void wait_while(bool (*blocked)(void))
{
	current->blocked = blocked;
	others_first();
	noted(0);
	current->blocked = NULL;
}

unsigned long m_load(unsigned long *addr)
{
	unsigned long value;
	unsigned int i;

	others_first();
	value = *addr;
	for (i = 0; i < current->pending; i++)
		if (current->writes[i].addr == addr)
			apply(&current->writes[i], &value);
	return noted(value);
}

static void m_write(unsigned long *addr, unsigned long set, unsigned long clear)
{
	if (current->pending == WRITES)
		die("too many writes");
	current->writes[current->pending++] = (struct write){ addr, set, clear, current->group };
}

void m_store(unsigned long *addr, unsigned long value)
{
	m_write(addr, value, ~0UL);
}

void m_or(unsigned long *addr, unsigned long bits)
{
	m_write(addr, bits, 0);
}

void m_clear(unsigned long *addr, unsigned long bits)
{
	m_write(addr, 0, bits);
}

void m_mb(void)
{
	if (current->pending)
		others_first();
	noted(0);
	while (current->pending)
		reach_memory(current, 0);
}

void m_wmb(void)
{
	current->group++;
}

unsigned long m_fetch_and_clear(unsigned long *addr, unsigned long bits)
{
	unsigned long value;

	m_mb();
	others_first();
	value = *addr;
	*addr &= ~bits;
	return noted(value);
}

/* The ring, as include/linux/ptr_ring.h has it; one sends at a time. */
bool ring_is_full(void)
{
	return m_load(&ring[producer]) != 0;
}

void ring_produce(void)
{
	m_wmb();
	m_store(&ring[producer], 1);
	producer = (producer + 1) % places;
}

bool ring_consume(void)
{
	if (!m_load(&ring[consumer]))
		return false;
	m_store(&ring[consumer], 0);
	consumer = (consumer + 1) % places;
	received++;
	return true;
}

/* model.rs */
bool transmit(struct net_device *dev);
void poll(struct net_device *dev);

static bool not_scheduled(void)
{
	return !dev.txq.scheduled;
}

/* The queueing discipline, which has all packets: runs when it is scheduled, and ends at a stopped queue. */
static void sender(void)
{
	while (sent < packets) {
		wait_while(not_scheduled);
		m_fetch_and_clear(&dev.txq.scheduled, 1);
		while (sent < packets && !netif_tx_queue_stopped(&dev.txq))
			if (transmit(&dev))
				sent++;
	}
	current->done = true;
	others_first();
}

static bool nothing_in_ring(void)
{
	return !ring[consumer];
}

/* The NAPI, which is kicked when there is something. */
static void receiver(void)
{
	while (received < packets) {
		wait_while(nothing_in_ring);
		poll(&dev);
	}
	current->done = true;
	others_first();
}

static void start(struct thread *thread, void (*function)(void))
{
	memset(thread->writes, 0, sizeof(thread->writes));
	thread->pending = thread->group = 0;
	thread->history = 0;
	thread->blocked = NULL;
	thread->done = false;
	getcontext(&thread->context);
	thread->context.uc_stack.ss_sp = thread->stack;
	thread->context.uc_stack.ss_size = STACK;
	thread->context.uc_link = NULL;
	makecontext(&thread->context, function, 0);
}

/* Which one of so many it is this time; -1 if all have been tried, or are about to be. */
static int choose(int possible)
{
	if (depth == CHOICES)
		die("too many choices");
	if (depth == known) {
		if (seen_before())
			return -1;
		choices[known++] = (struct choice){ 0, possible };
	}
	if (choices[depth].possible != possible)
		die("a run is not like the one before");
	return choices[depth++].taken;
}

/* One run; whether all packets came, or another one says. */
static bool run(void)
{

	memset(ring, 0, sizeof(ring));
	dev.txq = (struct netdev_queue){ .scheduled = 1 };
	producer = consumer = sent = received = 0;
	start(&threads[0], sender);
	start(&threads[1], receiver);
	for (depth = 0;;) {
		struct thread *thread, *who[THREADS * (WRITES + 1)];
		int write[THREADS * (WRITES + 1)], count = 0, taken;
		unsigned int i;

		for (thread = threads; thread < threads + THREADS; thread++) {
			for (i = 0; i < thread->pending; i++)
				if (may_reach_memory(thread, i))
					who[count] = thread, write[count++] = i;
			if (thread->done || (thread->blocked && thread->blocked()))
				continue;
			who[count] = thread, write[count++] = -1;
		}
		if (!count)
			return threads[0].done && threads[1].done;
		taken = count == 1 ? 0 : choose(count);
		if (taken < 0)
			return true;
		if (write[taken] >= 0) {
			reach_memory(who[taken], write[taken]);
			continue;
		}
		current = who[taken];
		swapcontext(&scheduler, &current->context);
	}
}

/* The next list of choices, if there is one. */
static bool advance(void)
{
	while (known && choices[known - 1].taken == choices[known - 1].possible - 1)
		known--;
	if (!known)
		return false;
	choices[known - 1].taken++;
	return true;
}

int main(int argc, char **argv)
{
	unsigned long runs = 0;

	if (argc != 3)
		die("usage: model PLACES PACKETS");
	places = strtoul(argv[1], NULL, 10);
	packets = strtoul(argv[2], NULL, 10);
	if (!places || places > PLACES || !packets)
		die("so many places there are not");
	do {
		runs++;
		if (!run()) {
			printf("lost wake-up in run %lu: %u of %u packets were sent, %u received\n", runs, sent,
			       packets, received);
			return 1;
		}
	} while (advance());
	printf("%lu runs, %u states, no packet waits for ever\n", runs, states);
	return 0;
}
