// SPDX-License-Identifier: GPL-2.0
/* What links on a bond have to do themselves, which the bond does for those that it knows. */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/pkt_sched.h>
#include <linux/skbuff.h>
#if IS_ENABLED(CONFIG_BONDING)
#include <net/bonding.h>
#endif

#if IS_ENABLED(CONFIG_BONDING)
/* The bond that DEV is, or is a VLAN on; or NULL. Its data are there as long as the device is. */
static const struct bonding *rnetvirt_bond_of(const struct net_device *dev)
{
	if (is_vlan_dev(dev))
		dev = vlan_dev_real_dev(dev);
	return netif_is_bond_master(dev) ? netdev_priv(dev) : NULL;
}
#endif

/*
 * How many seconds a bond in mode balance-tlb, with VLANs on it perhaps, lets pass until it
 * tells switches again where addresses are. 0: it is no such device.
 */
__rnetvirt_helper unsigned int rnetvirt_helper_bond_lp_interval(const struct net_device *dev)
{
#if IS_ENABLED(CONFIG_BONDING)
	const struct bonding *bond = rnetvirt_bond_of(dev);

	if (bond && READ_ONCE(bond->params.mode) == BOND_MODE_TLB)
		return READ_ONCE(bond->params.lp_interval);
#endif
	return 0;
}

/*
 * Whether it is a bond, with VLANs on it perhaps, that tells switches where addresses are when it
 * has taken another of its devices into use: in modes balance-tlb and balance-alb.
 */
__rnetvirt_helper bool rnetvirt_helper_bond_tells_switches(const struct net_device *dev)
{
#if IS_ENABLED(CONFIG_BONDING)
	const struct bonding *bond = rnetvirt_bond_of(dev);
	int mode;

	if (!bond)
		return false;
	mode = READ_ONCE(bond->params.mode);
	return mode == BOND_MODE_TLB || mode == BOND_MODE_ALB;
#else
	return false;
#endif
}

/* A frame of the shortest length, as bonding sends for addresses that it knows of. */
__rnetvirt_helper void rnetvirt_helper_send_learning_packet(struct net_device *lower,
							    const struct net_device *dev)
{
	const unsigned int room = LL_RESERVED_SPACE(lower);
	struct sk_buff *skb = alloc_skb(room + ETH_ZLEN + lower->needed_tailroom, GFP_ATOMIC);
	struct ethhdr *eth;

	if (!skb)
		return;
	skb_reserve(skb, room);
	eth = skb_put_zero(skb, ETH_ZLEN);
	ether_addr_copy(eth->h_dest, dev->dev_addr);
	ether_addr_copy(eth->h_source, dev->dev_addr);
	eth->h_proto = htons(ETH_P_LOOPBACK);
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb->protocol = eth->h_proto;
	skb->priority = TC_PRIO_CONTROL;
	skb->dev = lower;
	dev_queue_xmit(skb);
}
