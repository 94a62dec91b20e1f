// SPDX-License-Identifier: GPL-2.0

#include <linux/netdevice.h>
#include <linux/ptr_ring.h>
#include <linux/skbuff.h>
#include <net/sock.h>

/*
 * Adds NAPI for the queue, and switches it on. Who writes to "threaded" in sysfs holds the lock, not
 * RTNL, and waits with it for NAPIs that are scheduled, as one is that was added and is not on: so all
 * is one section. Without THREADS it does not get one; false if there was none to be had, which the
 * core would try once more when it is switched on, and warn of.
 */
__rnetvirt_helper bool rnetvirt_helper_napi_start(struct net_device *dev,
						  struct napi_struct *napi,
						  int (*poll)(struct napi_struct *, int),
						  int index, bool threads)
{
	struct napi_config *config = &dev->napi_config[index];

	netdev_lock(dev);
	if (!threads)
		config->threaded = NETDEV_NAPI_THREADED_DISABLED;
	netif_napi_add_config_locked(dev, napi, poll, index);
	if (config->threaded && !napi->thread) {
		config->threaded = NETDEV_NAPI_THREADED_DISABLED;
		threads = false;
	}
	netif_queue_set_napi(dev, index, NETDEV_QUEUE_TYPE_RX, napi);
	napi_enable_locked(napi);
	netdev_unlock(dev);
	return threads;
}

/* The reverse, in one section for the same reason. NAPI's memory must stay for a grace period. */
__rnetvirt_helper void rnetvirt_helper_napi_stop(struct net_device *dev,
						 struct napi_struct *napi, int index)
{
	netdev_lock(dev);
	napi_disable_locked(napi);
	netif_queue_set_napi(dev, index, NETDEV_QUEUE_TYPE_RX, NULL);
	__netif_napi_del_locked(napi);
	netdev_unlock(dev);
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
