// SPDX-License-Identifier: GPL-2.0

#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <net/net_namespace.h>
#include <net/netdev_lock.h>

/* Not zero if programs or rules come before the rx_handler of what the device receives. */
static __always_inline unsigned long rnetvirt_ingress_hooks(const struct net_device *dev)
{
	unsigned long any = (unsigned long)rcu_access_pointer(dev->xdp_prog);

#ifdef CONFIG_NET_XGRESS
	any |= (unsigned long)rcu_access_pointer(dev->tcx_ingress);
#endif
#ifdef CONFIG_NETFILTER_INGRESS
	any |= (unsigned long)rcu_access_pointer(dev->nf_hooks_ingress);
#endif
	return any;
}

/* The same, or VLANs, which are for tagged frames only. */
static __always_inline unsigned long rnetvirt_ingress_claims(const struct net_device *dev)
{
	unsigned long any = rnetvirt_ingress_hooks(dev);

#if IS_ENABLED(CONFIG_VLAN_8021Q)
	any |= (unsigned long)rcu_access_pointer(dev->vlan_info);
#endif
	return any;
}

__rnetvirt_helper struct net *rnetvirt_helper_dev_net(const struct net_device *dev)
{
	return dev_net(dev);
}

__rnetvirt_helper void rnetvirt_helper_netdev_hold(struct net_device *dev,
						   netdevice_tracker *tracker, gfp_t gfp)
{
	netdev_hold(dev, tracker, gfp);
}

__rnetvirt_helper void rnetvirt_helper_netdev_put(struct net_device *dev,
						  netdevice_tracker *tracker)
{
	netdev_put(dev, tracker);
}

__rnetvirt_helper void rnetvirt_helper_netdev_set_lltx(struct net_device *dev, bool on)
{
	dev->lltx = on;
}

__rnetvirt_helper void rnetvirt_helper_netdev_set_priv_flags(struct net_device *dev,
							     u32 set, u32 clear)
{
	dev->priv_flags = (dev->priv_flags & ~clear) | set;
}

__rnetvirt_helper void rnetvirt_helper_netdev_set_needed_headroom(struct net_device *dev,
								  unsigned short headroom)
{
	WRITE_ONCE(dev->needed_headroom, headroom);
}

__rnetvirt_helper unsigned int rnetvirt_helper_netdev_flags(const struct net_device *dev)
{
	return READ_ONCE(dev->flags);
}

__rnetvirt_helper int rnetvirt_helper_netdev_ifindex(const struct net_device *dev)
{
	return READ_ONCE(dev->ifindex);
}

__rnetvirt_helper void rnetvirt_helper_eth_hw_addr_random(struct net_device *dev)
{
	eth_hw_addr_random(dev);
}

__rnetvirt_helper void rnetvirt_helper_dev_sw_netstats_tx_add(struct net_device *dev,
							      unsigned int packets,
							      unsigned int len)
{
	dev_sw_netstats_tx_add(dev, packets, len);
}

__rnetvirt_helper unsigned int rnetvirt_helper_num_possible_cpus(void)
{
	return num_possible_cpus();
}

/* Every kind of device gets lock classes of its own: stacked devices nest them. */
__rnetvirt_helper void rnetvirt_helper_netdev_lockdep_set_classes(struct net_device *dev)
{
	netdev_lockdep_set_classes(dev);
}

/*
 * Whether DEV is registered. If it is in an RCU section, then its namespace is not freed during that:
 * unregistering says that it is not any more, and waits, before the namespace can go.
 */
__rnetvirt_helper bool rnetvirt_helper_netdev_is_registered(const struct net_device *dev)
{
	return READ_ONCE(dev->reg_state) == NETREG_REGISTERED;
}

/*
 * Whether the device is registered, or is being unregistered since RTNL was taken: then
 * netdev_run_todo(), which comes when RTNL is released, does not have it on its list yet.
 */
__rnetvirt_helper bool rnetvirt_helper_netdev_is_registered_rtnl(const struct net_device *dev)
{
	return dev->reg_state == NETREG_REGISTERED ||
	       (dev->reg_state == NETREG_UNREGISTERING && !dev->todo_list.next);
}

__rnetvirt_helper void rnetvirt_helper_netdev_set_dev_id(struct net_device *dev, u16 id)
{
	WRITE_ONCE(dev->dev_id, id);
}

__rnetvirt_helper void rnetvirt_helper_netdev_use_tstats(struct net_device *dev)
{
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
}

/*
 * Whether the device is on a list of devices to unregister.
 * Follows net/core/dev.c:unregister_netdevice_queued() 1b891099.
 */
__rnetvirt_helper bool rnetvirt_helper_netdev_is_queued(const struct net_device *dev)
{
#ifdef CONFIG_DEBUG_NET_SMALL_RTNL
	if (!list_empty(&dev->unreg_list_net))
		return true;
#endif
	return !list_empty(&dev->unreg_list);
}

__rnetvirt_helper u32 rnetvirt_helper_netdev_get_priv_flags(const struct net_device *dev)
{
	return dev->priv_flags;
}

__rnetvirt_helper void rnetvirt_helper_netdev_set_flags(struct net_device *dev, unsigned int flags)
{
	WRITE_ONCE(dev->flags, flags);
}

/* The device after DEV, or the first one, in a namespace (for_each_netdev_rcu()). */
__rnetvirt_helper struct net_device *rnetvirt_helper_netdev_next_rcu(const struct net *net,
								     const struct net_device *dev)
{
	const struct list_head *at = dev ? &dev->dev_list : &net->dev_base_head;
	const struct list_head *next = rcu_dereference(list_next_rcu(at));

	return next == &net->dev_base_head ? NULL : net_device_entry(next);
}

__rnetvirt_helper unsigned int rnetvirt_helper_raw_smp_processor_id(void)
{
	return raw_smp_processor_id();
}

__rnetvirt_helper void rnetvirt_helper_netdev_set_max_mtu(struct net_device *dev, unsigned int mtu)
{
	WRITE_ONCE(dev->max_mtu, mtu);
}
