// SPDX-License-Identifier: GPL-2.0
/* For tests only. */

#ifdef CONFIG_KUNIT
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/sch_generic.h>

/* A packet of these bytes, LINEAR of them in the linear part, the rest in pages. */
__rnetvirt_helper struct sk_buff *rnetvirt_helper_skb_of_bytes(const void *bytes, int len,
							       int linear, u16 protocol)
{
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(linear, len - linear, 0, &err, GFP_KERNEL);
	if (!skb)
		return NULL;
	skb_put(skb, linear);
	skb->data_len = len - linear;
	skb->len += len - linear;
	skb->protocol = cpu_to_be16(protocol);
	if (skb_store_bits(skb, 0, bytes, len)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

/* Makes it one that claims to be long TCP. */
__rnetvirt_helper void rnetvirt_helper_skb_make_gso_tcp(struct sk_buff *skb)
{
	skb_shinfo(skb)->gso_size = 1000;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
}

/* Whether the queueing discipline of TXQ will be run, as soon as softirqs are. */
__rnetvirt_helper bool rnetvirt_helper_txq_is_scheduled(const struct netdev_queue *txq)
{
	bool is;

	rcu_read_lock();
	is = test_bit(__QDISC_STATE_SCHED, &rcu_dereference(txq->qdisc)->state);
	rcu_read_unlock();
	return is;
}
#endif
