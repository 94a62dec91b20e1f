// SPDX-License-Identifier: GPL-2.0

#include <linux/netdevice.h>
#include <net/sch_generic.h>

__rnetvirt_helper bool rnetvirt_helper_qdisc_txq_has_no_queue(const struct netdev_queue *txq)
{
	return qdisc_txq_has_no_queue(txq);
}

/* The first half of netif_txq_try_stop(). Notes the time, for the watchdog. */
__rnetvirt_helper void rnetvirt_helper_txq_stop(struct netdev_queue *txq)
{
	netif_tx_stop_queue(txq);
	/* Before the ring is looked at again; pairs with the one in txq_wake(). */
	smp_mb__after_atomic();
}

/*
 * The second half, when there is room again. Not netif_tx_start_queue(): who has stopped
 * the queue need not be who runs its qdisc (lltx, __dev_direct_xmit()), and who does may
 * have seen it stopped, and have left its packets there.
 */
__rnetvirt_helper void rnetvirt_helper_txq_start(struct netdev_queue *txq)
{
	netif_tx_wake_queue(txq);
}

__rnetvirt_helper bool rnetvirt_helper_txq_wake(struct netdev_queue *txq)
{
	/* After places became free; pairs with the one in txq_stop(). */
	smp_mb();
	if (likely(!netif_tx_queue_stopped(txq)))
		return false;
	txq_trans_cond_update(txq);
	netif_tx_wake_queue(txq);
	return true;
}

/*
 * netdev_tx_sent_queue() with one packet; but who starts the queue again has its qdisc
 * run, see txq_start().
 */
__rnetvirt_helper void rnetvirt_helper_txq_charge(struct netdev_queue *txq)
{
#ifdef CONFIG_BQL
	/* More to come: only counts. */
	__netdev_tx_sent_queue(txq, 1, true);
	if (likely(dql_avail(&txq->dql) >= 0))
		return;
	/* For the watchdog; pairs with the one in dev_watchdog(). */
	WRITE_ONCE(txq->trans_start, jiffies);
	smp_mb__before_atomic();
	set_bit(__QUEUE_STATE_STACK_XOFF, &txq->state);
	/* Before the limit is looked at again; pairs with that in netdev_tx_completed_queue(). */
	smp_mb__after_atomic();
	if (unlikely(dql_avail(&txq->dql) >= 0) &&
	    test_and_clear_bit(__QUEUE_STATE_STACK_XOFF, &txq->state))
		netif_schedule_queue(txq);
#endif
}

/* Completing more than was sent is a BUG(). */
__rnetvirt_helper bool rnetvirt_helper_txq_complete(struct netdev_queue *txq, unsigned int packets)
{
#ifdef CONFIG_BQL
	bool stopped = test_bit(__QUEUE_STATE_STACK_XOFF, &txq->state);

	packets = min(packets, READ_ONCE(txq->dql.num_queued) - txq->dql.num_completed);
	netdev_tx_completed_queue(txq, packets, packets);
	return stopped && !test_bit(__QUEUE_STATE_STACK_XOFF, &txq->state);
#else
	return false;
#endif
}

__rnetvirt_helper void rnetvirt_helper_txq_reset(struct netdev_queue *txq)
{
	netdev_tx_reset_queue(txq);
	netif_tx_start_queue(txq);
	netif_schedule_queue(txq);
}
