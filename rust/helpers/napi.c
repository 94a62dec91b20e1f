// SPDX-License-Identifier: GPL-2.0

#include <linux/netdevice.h>
#include <linux/ptr_ring.h>
#include <linux/skbuff.h>
#include <net/sock.h>

__rnetvirt_helper void rnetvirt_helper_netif_napi_add_config(struct net_device *dev,
							     struct napi_struct *napi,
							     int (*poll)(struct napi_struct *, int),
							     int index)
{
	netif_napi_add_config(dev, napi, poll, index);
}

/* The memory of NAPI must stay for a grace period after this. */
__rnetvirt_helper void rnetvirt_helper___netif_napi_del(struct napi_struct *napi)
{
	__netif_napi_del(napi);
}

__rnetvirt_helper void rnetvirt_helper_napi_gro_receive(struct napi_struct *napi,
							struct sk_buff *skb)
{
	napi_gro_receive(napi, skb);
}

/*
 * Whether who has the device may have said that packets are to wait for a timer: for GRO, or as if
 * interrupts were deferred, for as long as he likes (napi_complete_done(), napi_suspend_irqs()).
 */
__rnetvirt_helper bool rnetvirt_helper_napi_may_wait(const struct napi_struct *napi)
{
	return READ_ONCE(napi->gro_flush_timeout) | READ_ONCE(napi->irq_suspend_timeout);
}

__rnetvirt_helper bool rnetvirt_helper_netif_running(const struct net_device *dev)
{
	return netif_running(dev);
}

/*
 * GRO writes to packets, and keeps them: this one is nobody else's afterwards, and has let
 * go of its sender's socket, but for one that waits for its bytes only. False: somebody
 * has it, or there is no memory for data that are shared.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_make_unique(struct sk_buff *skb)
{
	skb_prepare_for_gro(skb);
	return likely(!skb_shared(skb)) && likely(!skb_unclone(skb, GFP_ATOMIC));
}

/* It is of a socket whose packets are charged to it one by one, as UDP's are. */
__rnetvirt_helper bool rnetvirt_helper_skb_is_wfree(const struct sk_buff *skb)
{
	return skb->destructor == sock_wfree;
}

__rnetvirt_helper u16 rnetvirt_helper_skb_get_queue_mapping(const struct sk_buff *skb)
{
	return skb_get_queue_mapping(skb);
}

__rnetvirt_helper netdev_features_t rnetvirt_helper_netdev_features(const struct net_device *dev)
{
	return READ_ONCE(dev->features);
}

__rnetvirt_helper bool rnetvirt_helper_ptr_ring_is_full(struct ptr_ring *ring)
{
	return __ptr_ring_check_produce(ring);
}

/*
 * Puts an entry into a place that is known to be free, since the lock is held.
 * Follows include/linux/ptr_ring.h:__ptr_ring_produce() 076a9efc,
 * which asks once more.
 */
__rnetvirt_helper void rnetvirt_helper_ptr_ring_put(struct ptr_ring *ring, void *ptr)
{
	/* Pairs with the dependency ordering in __ptr_ring_consume(). */
	smp_wmb();
	WRITE_ONCE(ring->queue[ring->producer++], ptr);
	if (unlikely(ring->producer >= ring->size))
		ring->producer = 0;
}

__rnetvirt_helper void *rnetvirt_helper___ptr_ring_consume(struct ptr_ring *ring)
{
	return __ptr_ring_consume(ring);
}

__rnetvirt_helper bool rnetvirt_helper___ptr_ring_empty(struct ptr_ring *ring)
{
	return __ptr_ring_empty(ring);
}
