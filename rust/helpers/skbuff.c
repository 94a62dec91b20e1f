// SPDX-License-Identifier: GPL-2.0

#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>

__rnetvirt_helper bool rnetvirt_helper_pskb_may_pull(struct sk_buff *skb, unsigned int len)
{
	return pskb_may_pull(skb, len);
}

__rnetvirt_helper void rnetvirt_helper_skb_tx_timestamp(struct sk_buff *skb)
{
	skb_tx_timestamp(skb);
}

__rnetvirt_helper int rnetvirt_helper_dev_forward_skb_scrub(struct net_device *dev,
							    struct sk_buff *skb)
{
	return ____dev_forward_skb(dev, skb, true);
}

/* The second half of __dev_forward_skb(): hand the frame to its new device. */
__rnetvirt_helper void rnetvirt_helper_dev_forward_skb_receive(struct net_device *dev,
							       struct sk_buff *skb)
{
	skb->protocol = eth_type_trans(skb, dev);
	skb_postpull_rcsum(skb, eth_hdr(skb), ETH_HLEN);
}
