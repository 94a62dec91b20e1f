/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of the kernel rust/helpers/txq.c uses, in a memory whose order is that of the
 * kernel's memory model as far as stores go: they stay with who has made them for as long
 * as he likes, one longer than another, unless there is a barrier. So do atomic operations
 * that return nothing. model.c tries each order.
 */
#ifndef TXQ_MODEL_H
#define TXQ_MODEL_H

#include <stdbool.h>
#include <stddef.h>

typedef unsigned short u16;

#define __rnetvirt_helper
#define likely(x) (x)
#define unlikely(x) (x)

unsigned long m_load(unsigned long *addr);
void m_store(unsigned long *addr, unsigned long value);
void m_or(unsigned long *addr, unsigned long bits);
void m_clear(unsigned long *addr, unsigned long bits);
unsigned long m_fetch_and_clear(unsigned long *addr, unsigned long bits);
void m_mb(void);
void m_wmb(void);

#define smp_mb() m_mb()
#define smp_mb__before_atomic() m_mb()
#define smp_mb__after_atomic() m_mb()

struct netdev_queue {
	unsigned long state;
	/* Of the queueing discipline: it is to be run. */
	unsigned long scheduled;
};

struct net_device {
	unsigned int num_tx_queues;
	struct netdev_queue *_tx;
	struct netdev_queue txq;
};

enum { DRV_XOFF = 1 };

static inline bool qdisc_txq_has_no_queue(const struct netdev_queue *txq)
{
	return false;
}

static inline bool netif_tx_queue_stopped(struct netdev_queue *txq)
{
	return m_load(&txq->state) & DRV_XOFF;
}

static inline void netif_tx_stop_queue(struct netdev_queue *txq)
{
	/* Behind the time for the watchdog. */
	smp_mb__before_atomic();
	m_or(&txq->state, DRV_XOFF);
}

static inline void netif_tx_start_queue(struct netdev_queue *txq)
{
	m_clear(&txq->state, DRV_XOFF);
}

static inline void __netif_schedule(struct netdev_queue *txq)
{
	m_mb();
	m_or(&txq->scheduled, 1);
	m_mb();
}

static inline void netif_schedule_queue(struct netdev_queue *txq)
{
	if (!netif_tx_queue_stopped(txq))
		__netif_schedule(txq);
}

static inline void netif_tx_wake_queue(struct netdev_queue *txq)
{
	if (m_fetch_and_clear(&txq->state, DRV_XOFF) & DRV_XOFF)
		__netif_schedule(txq);
}

static inline void txq_trans_cond_update(struct netdev_queue *txq)
{
}

static inline void netdev_tx_reset_queue(struct netdev_queue *txq)
{
}

#endif
