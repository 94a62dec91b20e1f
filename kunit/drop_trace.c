// SPDX-License-Identifier: GPL-2.0
/* As rust/helpers/drop_trace.c, without the event: there is one, which is rnetvirt.ko's. */

#include "../rust/helpers/drop_trace.h"
#include "../rust/helpers/drops.h"

DEFINE_TRACE(rnetvirt_drop,
	     TP_PROTO(const struct net_device *dev, const struct net_device *lower,
		      const struct sk_buff *skb, const struct ethhdr *eth, unsigned int len,
		      const char *reason),
	     TP_ARGS(dev, lower, skb, eth, len, reason));

void rnetvirt_do_trace_drop(const struct net_device *dev, const struct net_device *lower,
			    const struct sk_buff *skb, const struct ethhdr *eth, unsigned int len,
			    const char *reason)
{
	trace_rnetvirt_drop(dev, lower, skb, eth, len, reason);
}
