// SPDX-License-Identifier: GPL-2.0
/* What devices on top of other devices need. */

#include <linux/capability.h>
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/pkt_sched.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <net/ip.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>

/*
 * Devices of one driver nest; their address lists are locked one inside the other. What
 * has a queueing discipline holds its lock while it sends by what has none.
 */
__rnetvirt_helper void rnetvirt_helper_netdev_lockdep_set_stacked_classes(struct net_device *dev)
{
	static struct lock_class_key addr_list_lock_key;

	if (dev->priv_flags & IFF_NO_QUEUE) {
		netdev_lockdep_set_classes(dev);
	} else {
		netdev_lockdep_set_classes(dev);
	}
	lockdep_set_class(&dev->addr_list_lock, &addr_list_lock_key);
}

__rnetvirt_helper void rnetvirt_helper_netdev_set_mtu_field(struct net_device *dev,
							    unsigned int mtu)
{
	WRITE_ONCE(dev->mtu, mtu);
}

/*
 * The address as a number: its first byte is the lowest, and the two highest bytes
 * do not count. There is room for addresses that are much longer. Without RTNL it may
 * be half the old and half the new one.
 */
__rnetvirt_helper u64 rnetvirt_helper_netdev_mac(const struct net_device *dev)
{
	return data_race(get_unaligned_le64(dev->dev_addr));
}

__rnetvirt_helper u64 rnetvirt_helper_netdev_broadcast(const struct net_device *dev)
{
	BUILD_BUG_ON(sizeof(dev->broadcast) < sizeof(u64));
	return data_race(get_unaligned_le64(dev->broadcast));
}

__rnetvirt_helper void rnetvirt_helper_eth_hw_addr_set(struct net_device *dev, const u8 *addr)
{
	eth_hw_addr_set(dev, addr);
}

__rnetvirt_helper void rnetvirt_helper_eth_hw_addr_inherit(struct net_device *dev,
							   struct net_device *from)
{
	eth_hw_addr_inherit(dev, from);
}

/* Follows net/core/dev.c:netif_stacked_transfer_operstate() d91ea3fd. */
__rnetvirt_helper void rnetvirt_helper_netdev_inherit_state(struct net_device *dev,
							    const struct net_device *lower)
{
	const unsigned long mask = BIT(__LINK_STATE_NOCARRIER) | BIT(__LINK_STATE_DORMANT);

	dev->state = (dev->state & ~mask) | (lower->state & mask);
}

__rnetvirt_helper void rnetvirt_helper_netdev_inherit_room(struct net_device *dev,
							   const struct net_device *lower)
{
	WRITE_ONCE(dev->needed_headroom, READ_ONCE(lower->needed_headroom));
	WRITE_ONCE(dev->needed_tailroom, READ_ONCE(lower->needed_tailroom));
}

__rnetvirt_helper void rnetvirt_helper_netdev_set_change_proto_down(struct net_device *dev)
{
	dev->change_proto_down = true;
}

__rnetvirt_helper void rnetvirt_helper_netdev_log_conflict(const struct net_device *dev,
							   const struct net_device *holder)
{
	if (net_ratelimit())
		netdev_info(dev, "the address is in use by %s\n", netdev_name(holder));
}

__rnetvirt_helper void rnetvirt_helper_netdev_log_error(const struct net_device *dev, const char *msg)
{
	if (net_ratelimit())
		netdev_err(dev, "%s\n", msg);
}

__rnetvirt_helper bool rnetvirt_helper_netdev_is_ether(const struct net_device *dev)
{
	return dev->type == ARPHRD_ETHER;
}

/* list_empty() for a snapshot, without READ_ONCE(): one comparison with memory. */
static __always_inline bool rnetvirt_list_is_empty(const struct list_head *list)
{
	return data_race(list->next) == list;
}

/*
 * Whether nobody has a claim on SKB, a frame of PROTOCOL that the device receives, before its
 * rx_handler: sockets, those for one protocol too, which see it as the device that a packet came
 * in by; VLANs, if it is tagged; programs; rules. A VLAN is there for links of others that have
 * none: what is not tagged is not to pay for it.
 * Follows net/core/dev.c:__netif_receive_skb_core() c2f8d798.
 */
__rnetvirt_helper bool rnetvirt_helper_netdev_ingress_is_plain(const struct net_device *dev,
							       const struct sk_buff *skb,
							       u16 protocol)
{
	if (unlikely(rnetvirt_ingress_claims(dev)) &&
	    (rnetvirt_ingress_hooks(dev) || skb_vlan_tag_present(skb) || eth_type_vlan(htons(protocol))))
		return false;
	return rnetvirt_list_is_empty(&dev_net(dev)->ptype_all) &&
	       rnetvirt_list_is_empty(&dev->ptype_all) &&
	       rnetvirt_list_is_empty(&dev->ptype_specific);
}

/* Whether DEV has classifiers, netfilter hooks at ingress or a generic XDP program. */
__rnetvirt_helper bool rnetvirt_helper_netdev_has_ingress_hooks(const struct net_device *dev)
{
	return rnetvirt_ingress_hooks(dev);
}

/*
 * Whether a VLAN on DEV would take SKB, which begins with its Ethernet header and is ours, if DEV
 * received it: that is before anybody on top of DEV is asked. It may if the tag has no number, as
 * there may be another tag behind it, or if there is no whole one.
 * Follows net/8021q/vlan_core.c:vlan_do_receive() ecd886cb.
 */
__rnetvirt_helper bool rnetvirt_helper_netdev_vlan_takes(struct net_device *dev,
							 struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_VLAN_8021Q)
	__be16 protocol = ((const struct ethhdr *)skb->data)->h_proto;
	bool takes;
	u16 id;

	if (!rcu_access_pointer(dev->vlan_info))
		return false;
	if (skb_vlan_tag_present(skb)) {
		protocol = skb->vlan_proto;
		id = skb_vlan_tag_get_id(skb);
	} else if (!eth_type_vlan(protocol)) {
		return false;
	} else {
		/* Pages may be the sender's still, who writes another number then. */
		if (!pskb_may_pull(skb, VLAN_ETH_HLEN))
			return true;
		id = ntohs(((const struct vlan_ethhdr *)skb->data)->h_vlan_TCI) & VLAN_VID_MASK;
	}
	/* It wants this lock, although softirqs are off. */
	rcu_read_lock();
	takes = !id || __vlan_find_dev_deep_rcu(dev, protocol, id);
	rcu_read_unlock();
	return takes;
#else
	return false;
#endif
}

__rnetvirt_helper void rnetvirt_helper_netif_addr_lock_bh(struct net_device *dev)
{
	netif_addr_lock_bh(dev);
}

__rnetvirt_helper void rnetvirt_helper_netif_addr_unlock_bh(struct net_device *dev)
{
	netif_addr_unlock_bh(dev);
}

/* The multicast address behind PREV in the device's list, the first one if that is NULL. */
__rnetvirt_helper struct netdev_hw_addr *
rnetvirt_helper_netdev_next_mc(struct net_device *dev, struct netdev_hw_addr *prev)
{
	struct list_head *next = prev ? prev->list.next : dev->mc.list.next;

	return next == &dev->mc.list ? NULL : list_entry(next, struct netdev_hw_addr, list);
}

__rnetvirt_helper rx_handler_func_t *rnetvirt_helper_netdev_rx_handler(const struct net_device *dev)
{
	return rcu_dereference_check(dev->rx_handler,
				     lockdep_rtnl_is_held() || rcu_read_lock_any_held());
}

__rnetvirt_helper void *rnetvirt_helper_netdev_rx_handler_data(const struct net_device *dev)
{
	return rcu_dereference_check(dev->rx_handler_data,
				     lockdep_rtnl_is_held() || rcu_read_lock_any_held());
}

/* Frees, a grace period from now, what begins with HEAD. */
__rnetvirt_helper void rnetvirt_helper_kvfree_rcu(struct rcu_head *head)
{
	struct {
		struct rcu_head rcu;
	} *object = (void *)head;

	kvfree_rcu(object, rcu);
}

__rnetvirt_helper void rnetvirt_helper_dev_core_stats_rx_dropped_inc(struct net_device *dev)
{
	dev_core_stats_rx_dropped_inc(dev);
}

__rnetvirt_helper struct vlan_pcpu_stats __percpu *rnetvirt_helper_alloc_vlan_pcpu_stats(void)
{
	return __netdev_alloc_pcpu_stats(struct vlan_pcpu_stats, GFP_KERNEL_ACCOUNT);
}

__rnetvirt_helper void rnetvirt_helper_free_vlan_pcpu_stats(struct vlan_pcpu_stats __percpu *stats)
{
	free_percpu(stats);
}

__rnetvirt_helper void rnetvirt_helper_pcpu_stats_rx(struct vlan_pcpu_stats __percpu *stats,
						     unsigned int len, bool multicast)
{
	struct vlan_pcpu_stats *this = this_cpu_ptr(stats);

	u64_stats_update_begin(&this->syncp);
	u64_stats_inc(&this->rx_packets);
	u64_stats_add(&this->rx_bytes, len);
	if (multicast)
		u64_stats_inc(&this->rx_multicast);
	u64_stats_update_end(&this->syncp);
}

__rnetvirt_helper void rnetvirt_helper_pcpu_stats_tx(struct vlan_pcpu_stats __percpu *stats,
						     unsigned int len)
{
	struct vlan_pcpu_stats *this = this_cpu_ptr(stats);

	u64_stats_update_begin(&this->syncp);
	u64_stats_inc(&this->tx_packets);
	u64_stats_add(&this->tx_bytes, len);
	u64_stats_update_end(&this->syncp);
}

__rnetvirt_helper void rnetvirt_helper_pcpu_stats_rx_error(struct vlan_pcpu_stats __percpu *stats)
{
	this_cpu_inc(stats->rx_errors);
}

__rnetvirt_helper void rnetvirt_helper_pcpu_stats_tx_dropped(struct vlan_pcpu_stats __percpu *stats)
{
	this_cpu_inc(stats->tx_dropped);
}

/* Follows drivers/net/macvlan.c:macvlan_dev_get_stats64() 2a1ac503. */
__rnetvirt_helper void
rnetvirt_helper_pcpu_stats_sum(struct vlan_pcpu_stats __percpu *stats, struct rtnl_link_stats64 *sum)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct vlan_pcpu_stats *p = per_cpu_ptr(stats, cpu);
		u64 rx_packets, rx_bytes, multicast, tx_packets, tx_bytes;
		unsigned int start;

		do {
			start = u64_stats_fetch_begin(&p->syncp);
			rx_packets = u64_stats_read(&p->rx_packets);
			rx_bytes = u64_stats_read(&p->rx_bytes);
			multicast = u64_stats_read(&p->rx_multicast);
			tx_packets = u64_stats_read(&p->tx_packets);
			tx_bytes = u64_stats_read(&p->tx_bytes);
		} while (u64_stats_fetch_retry(&p->syncp, start));
		sum->rx_packets += rx_packets;
		sum->rx_bytes += rx_bytes;
		sum->multicast += multicast;
		sum->tx_packets += tx_packets;
		sum->tx_bytes += tx_bytes;
		sum->rx_errors += READ_ONCE(p->rx_errors);
		sum->tx_dropped += READ_ONCE(p->tx_dropped);
	}
}

__rnetvirt_helper unsigned long __percpu *rnetvirt_helper_alloc_percpu_ulongs(size_t n)
{
	return __alloc_percpu_gfp(n * sizeof(unsigned long), sizeof(unsigned long),
				  GFP_KERNEL_ACCOUNT);
}

__rnetvirt_helper void rnetvirt_helper_free_percpu_ulongs(unsigned long __percpu *counters)
{
	free_percpu(counters);
}

__rnetvirt_helper void rnetvirt_helper_percpu_ulong_add(unsigned long __percpu *counters,
							size_t index, unsigned long n)
{
	this_cpu_add(counters[index], n);
}

__rnetvirt_helper u64 rnetvirt_helper_percpu_ulong_sum(unsigned long __percpu *counters,
						       size_t index)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(counters, cpu)[index]);
	return sum;
}

__rnetvirt_helper int rnetvirt_helper_dev_queue_xmit(struct sk_buff *skb)
{
	return dev_queue_xmit(skb);
}

__rnetvirt_helper void rnetvirt_helper_local_bh_disable(void)
{
	local_bh_disable();
}

__rnetvirt_helper void rnetvirt_helper_local_bh_enable(void)
{
	local_bh_enable();
}

__rnetvirt_helper void rnetvirt_helper_init_work(struct work_struct *work, work_func_t func)
{
	INIT_WORK(work, func);
}

__rnetvirt_helper void rnetvirt_helper_init_delayed_work(struct delayed_work *work,
							 work_func_t func)
{
	INIT_DELAYED_WORK(work, func);
}

__rnetvirt_helper void rnetvirt_helper_queue_unbound_work_in(struct delayed_work *work,
							     unsigned int msecs)
{
	queue_delayed_work(system_dfl_wq, work, msecs_to_jiffies(msecs));
}

__rnetvirt_helper void rnetvirt_helper_queue_unbound_work(struct work_struct *work)
{
	queue_work(system_dfl_wq, work);
}

__rnetvirt_helper void rnetvirt_helper_skb_queue_head_init(struct sk_buff_head *list)
{
	skb_queue_head_init(list);
}

__rnetvirt_helper unsigned int rnetvirt_helper_skb_queue_len_lockless(const struct sk_buff_head *list)
{
	return skb_queue_len_lockless(list);
}

/* Appends unless the queue is that long already. Softirqs are disabled. */
__rnetvirt_helper bool rnetvirt_helper_skb_queue_tail_limit(struct sk_buff_head *list,
							    struct sk_buff *skb, u32 limit)
{
	bool room;

	spin_lock(&list->lock);
	room = skb_queue_len(list) < limit;
	if (room)
		__skb_queue_tail(list, skb);
	spin_unlock(&list->lock);
	return room;
}

/* Moves everything to a list of the caller's own. */
__rnetvirt_helper void rnetvirt_helper_skb_queue_take(struct sk_buff_head *list,
						      struct sk_buff_head *to)
{
	__skb_queue_head_init(to);
	spin_lock_bh(&list->lock);
	skb_queue_splice_tail_init(list, to);
	spin_unlock_bh(&list->lock);
}

__rnetvirt_helper struct sk_buff *rnetvirt_helper___skb_dequeue(struct sk_buff_head *list)
{
	return __skb_dequeue(list);
}

/* What whoever puts a packet off wants to know later. */
__rnetvirt_helper void rnetvirt_helper_skb_put_note(struct sk_buff *skb, u64 first, u64 second)
{
	u64 *note = (u64 *)skb->cb;

	BUILD_BUG_ON(sizeof(skb->cb) < 2 * sizeof(u64));
	note[0] = first;
	note[1] = second;
}

/* Takes it back. Classifiers of who receives the packet, or copies of it, can read what is there. */
__rnetvirt_helper void rnetvirt_helper_skb_take_note(struct sk_buff *skb, u64 *first, u64 *second)
{
	u64 *note = (u64 *)skb->cb;

	*first = note[0];
	*second = note[1];
	note[0] = 0;
	note[1] = 0;
}

__rnetvirt_helper u64 rnetvirt_helper_ktime_get_ns(void)
{
	return ktime_get_ns();
}

__rnetvirt_helper void rnetvirt_helper_cond_resched(void)
{
	cond_resched();
}

__rnetvirt_helper struct net *
rnetvirt_helper_rtnl_newlink_link_net(struct rtnl_newlink_params *params)
{
	return rtnl_newlink_link_net(params);
}

__rnetvirt_helper bool rnetvirt_helper_net_capable_noaudit(const struct net *net)
{
	return !(current->flags & PF_KTHREAD) && ns_capable_noaudit(net->user_ns, CAP_NET_ADMIN);
}

__rnetvirt_helper bool rnetvirt_helper_capable_net_admin(void)
{
	return capable(CAP_NET_ADMIN);
}

__rnetvirt_helper int rnetvirt_helper_vlan_vid_add(struct net_device *dev, __be16 proto, u16 vid)
{
	return vlan_vid_add(dev, proto, vid);
}

__rnetvirt_helper void rnetvirt_helper_vlan_vid_del(struct net_device *dev, __be16 proto, u16 vid)
{
	vlan_vid_del(dev, proto, vid);
}

__rnetvirt_helper int
rnetvirt_helper_dev_hard_header(struct sk_buff *skb, struct net_device *dev, unsigned short type,
				const void *daddr, const void *saddr, unsigned int len)
{
	return dev_hard_header(skb, dev, type, daddr, saddr, len);
}

__rnetvirt_helper const void *rnetvirt_helper_netdev_dev_addr(const struct net_device *dev)
{
	return dev->dev_addr;
}

__rnetvirt_helper struct sk_buff *rnetvirt_helper_ip_check_defrag(struct sk_buff *skb)
{
	return ip_check_defrag(dev_net(skb->dev), skb, IP_DEFRAG_MACVLAN);
}

__rnetvirt_helper bool rnetvirt_helper_net_eq_init(const struct net *net)
{
	return net_eq(net, &init_net);
}
