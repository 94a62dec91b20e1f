// SPDX-License-Identifier: GPL-2.0
/* Where the tracepoint of lost packets is. */

#define CREATE_TRACE_POINTS
#include "drop_trace.h"
#include "drops.h"

void rnetvirt_do_trace_drop(const struct net_device *dev, const struct net_device *lower,
			    const struct sk_buff *skb, const struct ethhdr *eth, unsigned int len,
			    const char *reason)
{
	/*
	 * Who transmits is in a section of rcu_read_lock_bh(), which is enough for what is looked at,
	 * but not for those who check the word.
	 */
	rcu_read_lock();
	trace_rnetvirt_drop(dev, lower, skb, eth, len, reason);
	rcu_read_unlock();
}
