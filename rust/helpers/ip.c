// SPDX-License-Identifier: GPL-2.0
/* What devices on top of other devices need of IPv4 and IPv6. */

#include <linux/etherdevice.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/if_inet6.h>
#include <net/inet_dscp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/ip_fib.h>
#include <net/l3mdev.h>
#include <net/netns/generic.h>
#include <net/route.h>

#include "shared.h"

__rnetvirt_helper void rnetvirt_helper_spin_lock_init(spinlock_t *lock)
{
	spin_lock_init(lock);
}

__rnetvirt_helper void rnetvirt_helper_spin_lock_bh(spinlock_t *lock)
{
	spin_lock_bh(lock);
}

__rnetvirt_helper void rnetvirt_helper_spin_unlock_bh(spinlock_t *lock)
{
	spin_unlock_bh(lock);
}

__rnetvirt_helper bool rnetvirt_helper_softirqs_disabled(void)
{
	return softirq_count();
}

__rnetvirt_helper bool rnetvirt_helper_skb_is_gso_tcp(const struct sk_buff *skb)
{
	return skb_is_gso(skb) && skb_is_gso_tcp(skb);
}

__rnetvirt_helper int rnetvirt_helper_skb_network_offset(const struct sk_buff *skb)
{
	return skb_network_offset(skb);
}

/*
 * Whether one more may be: each takes some kilobytes of the stack, for netfilter and perhaps a tunnel,
 * and the core's limit is too high for that (XMIT_RECURSION_LIMIT), or does not count where the device
 * has a queueing discipline. This one is below those of the core and of tunnels, whose drops are
 * cried out into the log.
 */
__rnetvirt_helper bool rnetvirt_helper_route_enter(void)
{
	const unsigned int most = 3;

	if (dev_recursion_level() > most + 1)
		return false;
	if (!IS_ENABLED(CONFIG_PREEMPT_RT)) {
		if (__this_cpu_read(rnetvirt_routed) >= most)
			return false;
		__this_cpu_inc(rnetvirt_routed);
	}
	return true;
}

__rnetvirt_helper void rnetvirt_helper_route_leave(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		__this_cpu_dec(rnetvirt_routed);
}

/*
 * A frame becomes an IP packet: it begins with the network header, and there is no other. Sockets and
 * classifiers that were shown the frame keep it as it was: headers are written where nobody else reads.
 * False: there is no memory for them.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_pull_eth_hdr(struct sk_buff *skb)
{
	if (skb_cow_head(skb, 0))
		return false;
	__skb_pull(skb, ETH_HLEN);
	skb_unset_mac_header(skb);
	skb_reset_network_header(skb);
	return true;
}

__rnetvirt_helper u16 rnetvirt_helper_ip_fast_csum(const void *header, unsigned int words)
{
	return (__force u16)ip_fast_csum(header, words);
}

/* What routes are looked up by; the header may be unaligned. */
__rnetvirt_helper void rnetvirt_helper_flowi4_from_packet(struct flowi4 *fl4,
							  const struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	fl4->daddr = iph->daddr;
	fl4->saddr = iph->saddr;
	fl4->flowi4_dscp = ip4h_dscp(iph);
	fl4->flowi4_mark = skb->mark;
}

/* Whether DEV is part of a VRF, whose table is looked at again if it has a queue (vrf_xmit()). */
__rnetvirt_helper bool rnetvirt_helper_netif_is_l3_slave(const struct net_device *dev)
{
	return netif_is_l3_slave(dev);
}

/*
 * In this file devices are asked for their namespace by dev_net(): dev_net_rcu() wants
 * rcu_read_lock(), and packets are sent with softirqs disabled, which is as good.
 */

/*
 * The packet has gone through a router, unless it is for the host. False: it may not, any more, or
 * there is no memory for a header that can be written.
 */
__rnetvirt_helper bool rnetvirt_helper_ip_spend_hop(struct sk_buff *skb)
{
	struct iphdr *iph;

	if (skb_ensure_writable(skb, sizeof(*iph)))
		return false;
	iph = (struct iphdr *)skb->data;
	if (inet_addr_type_dev_table(dev_net(skb->dev), skb->dev, iph->daddr) == RTN_LOCAL)
		return true;
	if (iph->ttl <= 1)
		return false;
	ip_decrease_ttl(iph);
	return true;
}

__rnetvirt_helper u16 rnetvirt_helper_rt_type(const struct rtable *rt)
{
	return rt->rt_type;
}

__rnetvirt_helper struct dst_entry *rnetvirt_helper_rt_dst(struct rtable *rt)
{
	return &rt->dst;
}

#ifdef CONFIG_IP_MULTIPLE_TABLES
static __always_inline bool rnetvirt_fib4_has_unreachable_rule(const struct net *net)
{
	const struct fib_rule *rule;
	bool found = false;

	if (!fib4_has_custom_rules(net))
		return false;
	rcu_read_lock();
	list_for_each_entry_rcu(rule, &net->ipv4.rules_ops->rules_list, list) {
		if (rule->action == FR_ACT_UNREACHABLE) {
			found = true;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}
#else
static __always_inline bool rnetvirt_fib4_has_unreachable_rule(const struct net *net)
{
	return false;
}
#endif

/* That there is no route, and that a rule says so, is the same error. */
static noinline bool rnetvirt_fib4_forbids(struct net *net, struct flowi4 *fl4, __be32 saddr)
{
	struct fib_result res = {};
	int err;

	/* If there was none, one may have been put in. */
	fl4->saddr = saddr;
	err = fib_lookup(net, fl4, &res, 0);
	return err && (err != -ENETUNREACH || rnetvirt_fib4_has_unreachable_rule(net));
}

/*
 * Whether routes or rules of NET forbid what RT was got for, asked for with FL4 and a device on behalf
 * of a packet: with a device, a destination is on the link whatever the reason is that there is no
 * route (ip_route_output_key_hash_rcu()). Such a route is for this packet only, others are kept where
 * they are from.
 */
__rnetvirt_helper bool rnetvirt_helper_rt_is_forbidden(const struct rtable *rt, struct net *net,
						       struct flowi4 *fl4,
						       const struct sk_buff *skb)
{
	return READ_ONCE(rt->dst.rt_uncached_list) &&
	       rnetvirt_fib4_forbids(net, fl4, ((const struct iphdr *)skb->data)->saddr);
}

__rnetvirt_helper struct net_device *rnetvirt_helper_dst_dev(const struct dst_entry *dst)
{
	return dst_dev(dst);
}

/* Whether a packet is accounted to a socket that is not one of IP's. */
__rnetvirt_helper bool rnetvirt_helper_skb_has_foreign_sock(const struct sk_buff *skb)
{
	return skb->sk && !sk_is_inet(skb->sk);
}

__rnetvirt_helper void rnetvirt_helper_skb_orphan(struct sk_buff *skb)
{
	skb_orphan(skb);
}

/* Gives a scrubbed packet a route, and forgets what its protocol remembered of it before. */
__rnetvirt_helper void rnetvirt_helper_skb_set_route(struct sk_buff *skb, struct dst_entry *dst)
{
	BUILD_BUG_ON(sizeof(struct inet_skb_parm) > sizeof(skb->cb));
	BUILD_BUG_ON(sizeof(struct inet6_skb_parm) > sizeof(skb->cb));
	skb_dst_set(skb, dst);
	memset(skb->cb, 0, max(sizeof(struct inet_skb_parm), sizeof(struct inet6_skb_parm)));
}

/*
 * ip_local_out(), but that OKFN is where the packet goes when OUTPUT has let it pass. 1: it has, and
 * OKFN is the caller's to call. The packet stays on its device, which a VRF that this is part of has
 * replaced by its own while its rules were asked.
 */
__rnetvirt_helper int rnetvirt_helper_ip_local_out_to(struct net *net, struct sk_buff *skb,
						      int (*okfn)(struct net *, struct sock *,
						      	    struct sk_buff *))
{
	struct net_device *dev = skb->dev;
	struct iphdr *iph = ip_hdr(skb);

	IP_INC_STATS(net, IPSTATS_MIB_OUTREQUESTS);
	iph_set_totlen(iph, skb->len);
	ip_send_check(iph);
	skb = l3mdev_ip_out(NULL, skb);
	if (unlikely(!skb))
		return 0;
	skb->dev = dev;
	skb->protocol = htons(ETH_P_IP);
	return nf_hook(NFPROTO_IPV4, NF_INET_LOCAL_OUT, net, NULL, skb, NULL, skb_dst_dev(skb),
		       okfn);
}

/* Likewise what ip_output() does. The packet stays on its device. */
__rnetvirt_helper int rnetvirt_helper_nf_postrouting4(struct net *net, struct sk_buff *skb,
						      int (*okfn)(struct net *, struct sock *,
						      	    struct sk_buff *))
{
	return nf_hook(NFPROTO_IPV4, NF_INET_POST_ROUTING, net, NULL, skb, skb->dev, skb->dev,
		       okfn);
}

/*
 * Whether the route leads to a neighbour on the device that the packet has: the destination itself,
 * without a gateway, a tunnel, or encryption.
 */
static __always_inline bool rnetvirt_dst_is_plain(const struct dst_entry *dst,
						  const struct net_device *dev)
{
	return dst_dev(dst) == dev && !dst->lwtstate && !dst_xfrm(dst);
}

__rnetvirt_helper bool rnetvirt_helper_skb_leads_to_neighbour4(const struct sk_buff *skb)
{
	const struct rtable *rt = skb_rtable(skb);

	return rnetvirt_dst_is_plain(&rt->dst, skb->dev) && rt->rt_type == RTN_UNICAST &&
	       !rt->rt_gw_family;
}

__rnetvirt_helper int rnetvirt_helper_dst_output(struct net *net, struct sock *sk,
						 struct sk_buff *skb)
{
	return dst_output(net, sk, skb);
}

/*
 * The IP packet becomes a frame again, from and to the address of its device. False: there is no
 * memory for the header.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_push_eth_hdr(struct sk_buff *skb)
{
	struct ethhdr *eth;

	if (skb_cow_head(skb, ETH_HLEN))
		return false;
	eth = __skb_push(skb, ETH_HLEN);
	ether_addr_copy(eth->h_dest, skb->dev->dev_addr);
	ether_addr_copy(eth->h_source, skb->dev->dev_addr);
	eth->h_proto = skb->protocol;
	return true;
}

__rnetvirt_helper bool rnetvirt_helper_ipv4_is_local(const struct net_device *dev, __be32 addr)
{
	return inet_addr_type_dev_table(dev_net(dev), dev, addr) == RTN_LOCAL;
}

/* The first address of DEV, or the one after IFA. */
__rnetvirt_helper const struct in_ifaddr *
rnetvirt_helper_netdev_next_ifa_rcu(const struct net_device *dev, const struct in_ifaddr *ifa)
{
	const struct in_device *in_dev;

	if (ifa)
		return rcu_dereference(ifa->ifa_next);
	in_dev = __in_dev_get_rcu(dev);
	return in_dev ? rcu_dereference(in_dev->ifa_list) : NULL;
}

__rnetvirt_helper bool rnetvirt_helper_ipv4_is_received(const struct net_device *dev, __be32 addr)
{
	struct net *net = dev_net(dev);
	unsigned int type = inet_addr_type_dev_table(net, dev, addr);

	/* Where there is no table yet all are said to be. */
	return type == RTN_LOCAL ||
	       (type == RTN_BROADCAST &&
		inet_addr_type_dev_table(net, dev, htonl(INADDR_LOOPBACK)) != RTN_BROADCAST);
}

__rnetvirt_helper int rnetvirt_helper_ip_route_input(struct sk_buff *skb, struct net_device *dev)
{
	const struct iphdr *iph = ip_hdr(skb);

	return ip_route_input_noref(skb, iph->daddr, iph->saddr, ip4h_dscp(iph), dev);
}

#if IS_ENABLED(CONFIG_IPV6)
__rnetvirt_helper void rnetvirt_helper_flowi6_from_packet(struct flowi6 *fl6,
							  const struct sk_buff *skb)
{
	const struct ipv6hdr *hdr = (const struct ipv6hdr *)skb->data;

	fl6->daddr = hdr->daddr;
	fl6->saddr = hdr->saddr;
	fl6->flowlabel = ip6_flowinfo(hdr);
	fl6->flowi6_proto = hdr->nexthdr;
	fl6->flowi6_mark = skb->mark;
}

/* Whether others have a say in where a route leads that was looked up for DEV: another device, or a VRF. */
__rnetvirt_helper bool rnetvirt_helper_dst_is_by_others(const struct dst_entry *dst,
							const struct net_device *dev)
{
	return dst_dev(dst) != dev || netif_is_l3_slave(dev);
}

/* As that of IPv4, but that who calls knows where the route leads. */
__rnetvirt_helper bool rnetvirt_helper_ipv6_spend_hop(struct sk_buff *skb)
{
	struct ipv6hdr *hdr;

	if (skb_ensure_writable(skb, sizeof(*hdr)))
		return false;
	hdr = (struct ipv6hdr *)skb->data;
	if (hdr->hop_limit <= 1)
		return false;
	hdr->hop_limit--;
	return true;
}

/*
 * Whether the packet would be taken for one that has gone through no router, which is all that
 * makes neighbours and routers believed (RFC 4861, 6.1 and 7.1).
 */
__rnetvirt_helper bool rnetvirt_helper_ipv6_seems_near(const struct sk_buff *skb)
{
	return ((const struct ipv6hdr *)skb->data)->hop_limit == 255;
}

/* Whether there is IPv6 at all: with ipv6.disable=1 its tables are not there. */
__rnetvirt_helper bool rnetvirt_helper_ipv6_mod_enabled(void)
{
	return ipv6_mod_enabled();
}

/* Whether the host itself is meant, or one of several hosts of which it is one. */
__rnetvirt_helper bool rnetvirt_helper_dst_is_local6(const struct dst_entry *dst)
{
	return dst_rt6_info(dst)->rt6i_flags & (RTF_LOCAL | RTF_ANYCAST);
}

/*
 * Whether ADDR is one of the host's: of a device, also one that is not known to be free yet; or by a
 * route, that of an address which several routers have, for instance.
 */
__rnetvirt_helper bool rnetvirt_helper_ipv6_is_local(const struct net_device *dev, const u8 *addr)
{
	struct net *net = dev_net(dev);
	struct flowi6 fl6 = {};
	struct dst_entry *dst;
	bool is_local;
	int l3mdev;

	if (!ipv6_mod_enabled())
		return false;
	memcpy(&fl6.daddr, addr, sizeof(fl6.daddr));
	if (ipv6_chk_addr_and_flags(net, &fl6.daddr, dev, false, 0, 0))
		return true;
	/* Of these every device has its own. */
	if (ipv6_addr_type(&fl6.daddr) & (IPV6_ADDR_LINKLOCAL | IPV6_ADDR_MULTICAST))
		return false;
	rcu_read_lock();
	l3mdev = l3mdev_master_ifindex_rcu(dev);
	fl6.flowi6_l3mdev = l3mdev;
	dst = ip6_route_output(net, NULL, &fl6);
	/* Rules may have another VRF's table, or the one of none, looked at before. */
	is_local = !dst->error && rnetvirt_helper_dst_is_local6(dst) &&
		   l3mdev_master_ifindex_rcu(dst_dev(dst)) == l3mdev;
	rcu_read_unlock();
	dst_release(dst);
	return is_local;
}

__rnetvirt_helper bool rnetvirt_helper_ipv6_is_to_group(const struct sk_buff *skb)
{
	return ((const struct ipv6hdr *)skb->data)->daddr.s6_addr[0] == 0xff;
}

/* As those of IPv4. */
__rnetvirt_helper int rnetvirt_helper_ip6_local_out_to(struct net *net, struct sk_buff *skb,
						       int (*okfn)(struct net *, struct sock *,
						       	    struct sk_buff *))
{
	struct net_device *dev = skb->dev;

	ipv6_set_payload_len(ipv6_hdr(skb), skb->len - sizeof(struct ipv6hdr));
	IP6CB(skb)->nhoff = offsetof(struct ipv6hdr, nexthdr);
	skb = l3mdev_ip6_out(NULL, skb);
	if (unlikely(!skb))
		return 0;
	skb->dev = dev;
	skb->protocol = htons(ETH_P_IPV6);
	return nf_hook(NFPROTO_IPV6, NF_INET_LOCAL_OUT, net, NULL, skb, NULL, skb_dst_dev(skb),
		       okfn);
}

__rnetvirt_helper int rnetvirt_helper_nf_postrouting6(struct net *net, struct sk_buff *skb,
						      int (*okfn)(struct net *, struct sock *,
						      	    struct sk_buff *))
{
	return nf_hook(NFPROTO_IPV6, NF_INET_POST_ROUTING, net, NULL, skb, skb->dev, skb->dev,
		       okfn);
}

__rnetvirt_helper bool rnetvirt_helper_skb_leads_to_neighbour6(const struct sk_buff *skb)
{
	const struct rt6_info *rt = dst_rt6_info(skb_dst(skb));
	const struct in6_addr *dest = &ipv6_hdr(skb)->daddr;

	return rnetvirt_dst_is_plain(&rt->dst, skb->dev) &&
	       !(rt->rt6i_flags & (RTF_LOCAL | RTF_ANYCAST | RTF_REJECT)) &&
	       ipv6_addr_equal(rt6_nexthop(rt, dest), dest);
}

__rnetvirt_helper void rnetvirt_helper_skb_set_input_dst(struct sk_buff *skb, struct dst_entry *dst)
{
	skb_dst_drop(skb);
	skb_dst_set(skb, dst);
}

/* The packet goes on as received by DEV. */
__rnetvirt_helper void rnetvirt_helper_skb_set_input_dev6(struct sk_buff *skb,
							  struct net_device *dev)
{
	skb->dev = dev;
	skb->skb_iif = dev->ifindex;
	IP6CB(skb)->iif = dev->ifindex;
}
#endif

__rnetvirt_helper void rnetvirt_helper_skb_set_input_dev(struct sk_buff *skb,
							 struct net_device *dev)
{
	skb->dev = dev;
	skb->skb_iif = dev->ifindex;
}

#if IS_ENABLED(CONFIG_NET_L3_MASTER_DEV)
__rnetvirt_helper void rnetvirt_helper_netdev_set_l3mdev_ops(struct net_device *dev,
							     const struct l3mdev_ops *ops)
{
	WRITE_ONCE(dev->l3mdev_ops, ops);
}

/* Only then are the operations looked at, which may be left of somebody who is done. */
__rnetvirt_helper bool rnetvirt_helper_netdev_uses_l3mdev(const struct net_device *dev)
{
	return netif_is_l3_master(dev) || netif_has_l3_rx_handler(dev);
}

__rnetvirt_helper void rnetvirt_helper_netdev_set_l3_rx(struct net_device *dev, bool on)
{
	if (on)
		dev->priv_flags |= IFF_L3MDEV_RX_HANDLER;
	else
		dev->priv_flags &= ~IFF_L3MDEV_RX_HANDLER;
}
#endif

/* Exported, but declared in net/netfilter/nf_internals.h only. */
void nf_queue_nf_hook_drop(struct net *net);

/* Packets that user space has not decided about are dropped. */
__rnetvirt_helper void rnetvirt_helper_nf_queue_nf_hook_drop(struct net *net)
{
	nf_queue_nf_hook_drop(net);
}

__rnetvirt_helper void *rnetvirt_helper_net_generic(const struct net *net, unsigned int id)
{
	return net_generic(net, id);
}

__rnetvirt_helper struct net_device *rnetvirt_helper_in_dev_dev(const struct in_device *in_dev)
{
	return in_dev->dev;
}
