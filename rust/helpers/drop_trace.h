/* SPDX-License-Identifier: GPL-2.0 */
/* The tracepoint of packets that links lose. */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM rnetvirt

#if !defined(RNETVIRT_DROP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define RNETVIRT_DROP_TRACE_H

#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <net/net_namespace.h>

/*
 * What dev, on top of lower, has lost: len bytes with their Ethernet header eth, in skb. Both may be NULL:
 * the header if there is none that is whole, the packet if it is gone.
 */
TRACE_EVENT(rnetvirt_drop,
	TP_PROTO(const struct net_device *dev, const struct net_device *lower,
		 const struct sk_buff *skb, const struct ethhdr *eth, unsigned int len,
		 const char *reason),
	TP_ARGS(dev, lower, skb, eth, len, reason),
	TP_STRUCT__entry(
		/* Arrays, not __string(): bpftrace 0.23, which Debian 13 has, reads strings at a wrong place. */
		__array(char, dev, IFNAMSIZ)
		__field(int, ifindex)
		__field(unsigned int, netns)
		__array(char, lower, IFNAMSIZ)
		__field(int, lower_ifindex)
		__array(char, reason, ETH_GSTRING_LEN)
		__field(unsigned int, len)
		__field(u16, protocol)
		__array(u8, source, ETH_ALEN)
		__array(u8, dest, ETH_ALEN)
		__field(const void *, skbaddr)
	),
	TP_fast_assign(
		strscpy_pad(__entry->dev, dev->name);
		__entry->ifindex = dev->ifindex;
		/* Seen in an RCU section, that keeps the namespace. */
		__entry->netns = dev->reg_state == NETREG_REGISTERED ?
				 dev_net_rcu(dev)->ns.inum : 0;
		strscpy_pad(__entry->lower, lower->name);
		__entry->lower_ifindex = lower->ifindex;
		strscpy_pad(__entry->reason, reason);
		__entry->len = len;
		if (eth) {
			__entry->protocol = be16_to_cpu(eth->h_proto);
			memcpy(__entry->source, eth->h_source, ETH_ALEN);
			memcpy(__entry->dest, eth->h_dest, ETH_ALEN);
		} else {
			__entry->protocol = 0;
			memset(__entry->source, 0, ETH_ALEN);
			memset(__entry->dest, 0, ETH_ALEN);
		}
		__entry->skbaddr = skb;
	),
	TP_printk("dev=%s ifindex=%d netns=%u lower=%s lower_ifindex=%d reason=%s len=%u protocol=0x%04x source=%pM dest=%pM skbaddr=%p",
		  __entry->dev, __entry->ifindex, __entry->netns, __entry->lower,
		  __entry->lower_ifindex, __entry->reason, __entry->len, __entry->protocol,
		  __entry->source, __entry->dest, __entry->skbaddr)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE drop_trace
#include <trace/define_trace.h>
