/* SPDX-License-Identifier: GPL-2.0 */
/* What helpers need of the tracepoint of lost packets, whose own header is not for what is inlined. */

#ifndef RNETVIRT_DROPS_H
#define RNETVIRT_DROPS_H

#include <linux/tracepoint-defs.h>

struct ethhdr;
struct net_device;
struct sk_buff;

DECLARE_TRACEPOINT(rnetvirt_drop);

void rnetvirt_do_trace_drop(const struct net_device *dev, const struct net_device *lower,
			    const struct sk_buff *skb, const struct ethhdr *eth, unsigned int len,
			    const char *reason);

#endif
