// SPDX-License-Identifier: GPL-2.0
/* Who traces lost packets is told of them. */

#include <linux/if_ether.h>
#include <linux/skbuff.h>

#include "drops.h"

/* Whether there is anybody; a static key. */
__rnetvirt_helper bool rnetvirt_helper_drops_are_traced(void)
{
	return tracepoint_enabled(rnetvirt_drop);
}

__rnetvirt_helper void rnetvirt_helper_trace_drop(const struct net_device *dev,
						  const struct net_device *lower,
						  const struct sk_buff *skb,
						  const struct ethhdr *eth, unsigned int len,
						  const char *reason)
{
	rnetvirt_do_trace_drop(dev, lower, skb, eth, len, reason);
}

/* The Ethernet header of a packet that is received, NULL if it is not there as a whole. */
__rnetvirt_helper const struct ethhdr *rnetvirt_helper_skb_rx_eth_hdr(const struct sk_buff *skb)
{
	if (!skb_mac_header_was_set(skb) ||
	    skb_mac_header(skb) + ETH_HLEN > skb_tail_pointer(skb))
		return NULL;
	return (const struct ethhdr *)skb_mac_header(skb);
}
