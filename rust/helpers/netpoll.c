// SPDX-License-Identifier: GPL-2.0

#include <linux/netpoll.h>

/* Whether netpoll is transmitting; never true on kernels without it. */
__rnetvirt_helper bool rnetvirt_helper_netpoll_tx_running(struct net_device *dev)
{
	return netpoll_tx_running(dev);
}

__rnetvirt_helper void rnetvirt_helper_dev_kfree_skb_any(struct sk_buff *skb)
{
	dev_kfree_skb_any(skb);
}
