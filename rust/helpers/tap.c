// SPDX-License-Identifier: GPL-2.0

#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/if_vlan.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/poll.h>
#include <linux/ptr_ring.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/skbuff.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <linux/wait.h>
#include <linux/wireless.h>
#include <net/gso.h>
#include <net/sock.h>

/* Files. */

/* Not about to fail to load, nor about to go. */
__rnetvirt_helper bool rnetvirt_helper_module_is_loaded(const struct module *module)
{
	return !module || READ_ONCE(module->state) == MODULE_STATE_LIVE;
}

__rnetvirt_helper void rnetvirt_helper_file_set_nowait(struct file *file)
{
	file->f_mode |= FMODE_NOWAIT;
}

__rnetvirt_helper bool rnetvirt_helper_kiocb_is_nonblocking(const struct kiocb *iocb)
{
	return (iocb->ki_filp->f_flags & O_NONBLOCK) || (iocb->ki_flags & IOCB_NOWAIT);
}

__rnetvirt_helper unsigned int rnetvirt_helper_iminor(const struct inode *inode)
{
	return iminor(inode);
}

__rnetvirt_helper struct cdev *rnetvirt_helper_inode_cdev(const struct inode *inode)
{
	return inode->i_cdev;
}

__rnetvirt_helper struct device *rnetvirt_helper_netdev_device(struct net_device *dev)
{
	return &dev->dev;
}

/* The namespace of the net device that DEVICE belongs to. */
__rnetvirt_helper const struct ns_common *
rnetvirt_helper_parent_netdev_ns(const struct device *device)
{
	return to_ns_common(dev_net(to_net_dev(device->parent)));
}

/* Sockets. */

/*
 * SOCK has no inode behind it, as those of sockfs have, so sock_init_data_uid() is
 * not to look for one.
 */
__rnetvirt_helper void rnetvirt_helper_sock_init(struct sock *sk, struct socket *sock,
						 const struct proto_ops *ops,
						 void (*write_space)(struct sock *sk),
						 void (*destruct)(struct sock *sk))
{
	init_waitqueue_head(&sock->wq.wait);
	sock->type = SOCK_RAW;
	sock->state = SS_CONNECTED;
	sock->ops = ops;
	sock->sk = sk;
	sock_init_data_uid(NULL, sk, current_fsuid());
	sk->sk_type = SOCK_RAW;
	sk->sk_socket = sock;
	RCU_INIT_POINTER(sk->sk_wq, &sock->wq);
	/* What vhost would send in batches by: see Sock::set_sndbuf(). */
	sk->sk_sndbuf = min(sk->sk_sndbuf, INT_MAX - 1);
	sk->sk_write_space = write_space;
	sk->sk_destruct = destruct;
	sock_set_flag(sk, SOCK_RCU_FREE);
}

/* A number of the current process's namespace that no other will ever have; 0 of one that exits. */
__rnetvirt_helper u64 rnetvirt_helper_current_net_cookie(void)
{
	return current->nsproxy ? current->nsproxy->net_ns->net_cookie : 0;
}

/*
 * SK, which was allocated for init_net without holding that, is the namespace's of
 * the current process from now on, and holds it. EPERM: it is another one's, or the process is
 * neither in the one with the number OPENED_IN nor privileged: rules by owner mind the socket's
 * namespace, out of whose reach it would take what the host has opened.
 */
__rnetvirt_helper int rnetvirt_helper_sock_join_current_net(struct sock *sk, u64 opened_in)
{
	struct net *net = current->nsproxy ? current->nsproxy->net_ns : NULL;
	int err = 0;

	if (net && net->net_cookie != opened_in && !capable(CAP_NET_ADMIN))
		return -EPERM;
	lock_sock(sk);
	if (!net || (sk->sk_net_refcnt && !net_eq(net, sock_net(sk)))) {
		err = -EPERM;
	} else if (!sk->sk_net_refcnt) {
		sk_net_refcnt_upgrade(sk);
		sock_inuse_add(&init_net, -1);
		put_net_track(&init_net, &sk->ns_tracker);
		get_net_track(net, &sk->ns_tracker, GFP_KERNEL);
		sock_inuse_add(net, 1);
		sock_net_set(sk, net);
	}
	release_sock(sk);
	return err;
}

/*
 * That is over: SK is as it was allocated. Its packets may be looked at meanwhile, in RCU
 * sections, which the end of the namespace waits for.
 */
__rnetvirt_helper void rnetvirt_helper_sock_leave_net(struct sock *sk)
{
	struct net *net;

	lock_sock(sk);
	if (sk->sk_net_refcnt) {
		net = sock_net(sk);
		sk->sk_net_refcnt = 0;
		sock_net_set(sk, &init_net);
		sock_inuse_add(net, -1);
		put_net_track(net, &sk->ns_tracker);
		net_passive_inc(&init_net);
		__netns_tracker_alloc(&init_net, &sk->ns_tracker, false, GFP_KERNEL);
	}
	release_sock(sk);
}

__rnetvirt_helper void rnetvirt_helper_sock_hold(struct sock *sk)
{
	sock_hold(sk);
}

__rnetvirt_helper void rnetvirt_helper_sock_put(struct sock *sk)
{
	sock_put(sk);
}

__rnetvirt_helper void rnetvirt_helper_sock_set_sndbuf(struct sock *sk, int size)
{
	WRITE_ONCE(sk->sk_sndbuf, size);
}

__rnetvirt_helper bool rnetvirt_helper_sock_writeable(const struct sock *sk)
{
	return sock_writeable(sk);
}

/* Somebody waits for room, who is woken once. */
__rnetvirt_helper void rnetvirt_helper_socket_set_nospace(struct socket *sock)
{
	set_bit(SOCK_NOSPACE, &sock->flags);
	smp_mb__after_atomic();
}

__rnetvirt_helper bool rnetvirt_helper_socket_take_nospace(struct socket *sock)
{
	/* After the room that was made: who waits sets the bit, and looks again. */
	smp_mb__after_atomic();
	return test_bit(SOCK_NOSPACE, &sock->flags) &&
	       test_and_clear_bit(SOCK_NOSPACE, &sock->flags);
}

__rnetvirt_helper void rnetvirt_helper_socket_set_file(struct socket *sock, struct file *file)
{
	WRITE_ONCE(sock->file, file);
}

__rnetvirt_helper wait_queue_head_t *rnetvirt_helper_socket_wait_queue(struct socket *sock)
{
	return &sock->wq.wait;
}

__rnetvirt_helper void rnetvirt_helper_poll_wait(struct file *file, struct socket *sock,
						 struct poll_table_struct *table)
{
	poll_wait(file, &sock->wq.wait, table);
}

/* If nobody sleeps it costs a barrier. */
__rnetvirt_helper void rnetvirt_helper_socket_wake(struct socket *sock, __poll_t events)
{
	if (wq_has_sleeper(&sock->wq.wait))
		wake_up_interruptible_poll(&sock->wq.wait, events);
}

__rnetvirt_helper int rnetvirt_helper_sock_fasync(int fd, struct file *file, int on,
						  struct socket *sock)
{
	return fasync_helper(fd, file, on, &sock->wq.fasync_list);
}

/* Not sk_wake_async(): it asks for SOCK_FASYNC, which is said of other sockets of SOCK's sk. */
__rnetvirt_helper void rnetvirt_helper_socket_signal(struct socket *sock, int band)
{
	if (READ_ONCE(sock->wq.fasync_list))
		kill_fasync(&sock->wq.fasync_list, SIGIO, band);
}

__rnetvirt_helper void rnetvirt_helper_socket_signal_in(struct socket *sock)
{
	rnetvirt_helper_socket_signal(sock, POLL_IN);
}

__rnetvirt_helper void rnetvirt_helper_socket_signal_out(struct socket *sock)
{
	rnetvirt_helper_socket_signal(sock, POLL_OUT);
}

/* Who waits for room, or would, gets EPIPE. */
__rnetvirt_helper void rnetvirt_helper_sock_shut_down_send(struct sock *sk)
{
	WRITE_ONCE(sk->sk_shutdown, SEND_SHUTDOWN);
}

/* The queue of the socket itself. False: it has LIMIT packets, or more. */
__rnetvirt_helper bool rnetvirt_helper_sk_receive(struct sock *sk, struct sk_buff *skb,
						  unsigned int limit)
{
	if (skb_queue_len_lockless(&sk->sk_receive_queue) >= limit)
		return false;
	skb_queue_tail(&sk->sk_receive_queue, skb);
	return true;
}

__rnetvirt_helper struct sk_buff_head *rnetvirt_helper_sk_receive_queue(struct sock *sk)
{
	return &sk->sk_receive_queue;
}

__rnetvirt_helper bool rnetvirt_helper_sk_receive_queue_empty(const struct sock *sk)
{
	return skb_queue_empty_lockless(&sk->sk_receive_queue);
}

/* How long its first packet is on the wire; 0: there is none. */
__rnetvirt_helper u32 rnetvirt_helper_sk_receive_queue_peek_len(struct sock *sk)
{
	struct sk_buff_head *queue = &sk->sk_receive_queue;
	const struct sk_buff *skb;
	unsigned long flags;
	u32 len = 0;

	/* Who asks in a loop is not to keep those off who put one in. */
	if (skb_queue_empty_lockless(queue))
		return 0;
	spin_lock_irqsave(&queue->lock, flags);
	skb = skb_peek(queue);
	if (skb)
		len = skb->len + (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);
	spin_unlock_irqrestore(&queue->lock, flags);
	return len;
}

/* Both of its queues: options can have errors put into the other one. */
__rnetvirt_helper void rnetvirt_helper_sk_queues_purge(struct sock *sk)
{
	skb_queue_purge(&sk->sk_receive_queue);
	skb_queue_purge(&sk->sk_error_queue);
}

/*
 * A new struct socket of sockfs for SK, which it does not hold, and what stands
 * behind it: sockfs has no use for i_private. Security modules write to SK, which others
 * may have a socket made for at the same time, under the lock of sock_graft().
 */
__rnetvirt_helper void rnetvirt_helper_socket_set(struct socket *sock, struct sock *sk,
						  const struct proto_ops *ops, void *data)
{
	SOCK_INODE(sock)->i_private = data;
	sock->sk = sk;
	sock->state = SS_CONNECTED;
	sock->ops = ops;
	write_lock_bh(&sk->sk_callback_lock);
	security_sock_graft(sk, sock);
	write_unlock_bh(&sk->sk_callback_lock);
}

/* NULL: a socket that accept() has made, to be released at once. */
__rnetvirt_helper void *rnetvirt_helper_socket_data(const struct socket *sock)
{
	return container_of(sock, struct socket_alloc, socket)->vfs_inode.i_private;
}

#ifdef CONFIG_COMPAT
/*
 * Commands that the core answers itself: of 64-bit programs sockets do not hear of them.
 * Follows net/socket.c:sock_ioctl() bc3c739e.
 */
__rnetvirt_helper bool rnetvirt_helper_is_core_socket_command(unsigned int cmd)
{
	switch (cmd) {
	case FIOSETOWN:
	case SIOCSPGRP:
	case FIOGETOWN:
	case SIOCGPGRP:
	case SIOCGIFBR:
	case SIOCSIFBR:
	case SIOCBRADDBR:
	case SIOCBRDELBR:
	case SIOCBRADDIF:
	case SIOCBRDELIF:
	case SIOCGIFVLAN:
	case SIOCSIFVLAN:
	case SIOCGSKNS:
	case SIOCGSTAMP_OLD:
	case SIOCGSTAMPNS_OLD:
	case SIOCGSTAMP_NEW:
	case SIOCGSTAMPNS_NEW:
	case SIOCGIFCONF:
	case SIOCIWFIRST ... SIOCIWLAST:
	case SIOCDEVPRIVATE ... SIOCDEVPRIVATE + 15:
		return true;
	default:
		return false;
	}
}

__rnetvirt_helper unsigned long rnetvirt_helper_compat_arg(unsigned long arg)
{
	return (unsigned long)compat_ptr(arg);
}
#endif

/* Takes it. */
__rnetvirt_helper int rnetvirt_helper_sock_error(struct sock *sk)
{
	return sock_error(sk);
}

__rnetvirt_helper void rnetvirt_helper_prepare_to_wait(struct socket *sock,
						       struct wait_queue_entry *entry)
{
	prepare_to_wait(&sock->wq.wait, entry, TASK_INTERRUPTIBLE);
}

__rnetvirt_helper void rnetvirt_helper_finish_wait(struct socket *sock,
						   struct wait_queue_entry *entry)
{
	finish_wait(&sock->wq.wait, entry);
}

__rnetvirt_helper bool rnetvirt_helper_signal_pending(void)
{
	return signal_pending(current);
}

/* Rings: as many and as long as somebody asks for, on his account. */

__rnetvirt_helper int rnetvirt_helper_ptr_ring_init(struct ptr_ring *ring, int size)
{
	return ptr_ring_init(ring, size, GFP_KERNEL_ACCOUNT);
}

__rnetvirt_helper int rnetvirt_helper_ptr_ring_produce(struct ptr_ring *ring, void *ptr)
{
	return ptr_ring_produce(ring, ptr);
}

__rnetvirt_helper void rnetvirt_helper_ptr_ring_lock_producer(struct ptr_ring *ring)
{
	spin_lock(&ring->producer_lock);
}

__rnetvirt_helper void rnetvirt_helper_ptr_ring_unlock_producer(struct ptr_ring *ring)
{
	spin_unlock(&ring->producer_lock);
}

/* With that lock. */
__rnetvirt_helper int rnetvirt_helper___ptr_ring_produce(struct ptr_ring *ring, void *ptr)
{
	return __ptr_ring_produce(ring, ptr);
}

__rnetvirt_helper void *rnetvirt_helper_ptr_ring_consume(struct ptr_ring *ring)
{
	return ptr_ring_consume(ring);
}

__rnetvirt_helper int rnetvirt_helper_ptr_ring_size(const struct ptr_ring *ring)
{
	return READ_ONCE(ring->size);
}

__rnetvirt_helper bool rnetvirt_helper_ptr_ring_empty(struct ptr_ring *ring)
{
	return ptr_ring_empty(ring);
}

/* ptr_ring_cleanup() without its locks, for a ring that nobody else has: may run in a softirq. */
__rnetvirt_helper void rnetvirt_helper_ptr_ring_cleanup(struct ptr_ring *ring,
							void (*destroy)(void *ptr))
{
	void *ptr;

	while ((ptr = __ptr_ring_consume(ring)))
		destroy(ptr);
	kvfree(ring->queue);
}

__rnetvirt_helper int rnetvirt_helper_ptr_ring_resize_all(struct ptr_ring **rings,
							  unsigned int count, int size,
							  void (*destroy)(void *ptr))
{
	return ptr_ring_resize_multiple_bh(rings, count, size, GFP_KERNEL_ACCOUNT, destroy);
}

/* Frames to user space. */

/* A tag in the frame, as far as it is not beside it. */
__rnetvirt_helper bool rnetvirt_helper_skb_protocol_is_vlan(const struct sk_buff *skb)
{
	return eth_type_vlan(skb->protocol);
}

/* To where no stack sees it: extensions, which may hold a device, are of no use any more. */
__rnetvirt_helper void rnetvirt_helper_skb_push_eth(struct sk_buff *skb)
{
	skb_ext_reset(skb);
	skb->data -= ETH_HLEN;
	skb->len += ETH_HLEN;
}

__rnetvirt_helper u32 rnetvirt_helper_skb_get_hash(struct sk_buff *skb)
{
	return skb_get_hash(skb);
}

/* The receive queue plus one; 0: not known. */
__rnetvirt_helper u32 rnetvirt_helper_skb_queue_mapping(const struct sk_buff *skb)
{
	return skb_get_queue_mapping(skb);
}

/* Nobody has room for more, whatever he takes (BIG TCP). */
static __always_inline bool rnetvirt_skb_is_big(const struct sk_buff *skb)
{
	return unlikely(skb->len > GSO_LEGACY_MAX_SIZE + ETH_HLEN);
}

__rnetvirt_helper bool rnetvirt_helper_skb_needs_gso(struct sk_buff *skb,
						     netdev_features_t features)
{
	return netif_needs_gso(skb, features) || (rnetvirt_skb_is_big(skb) && skb_is_gso(skb));
}

__rnetvirt_helper struct sk_buff *rnetvirt_helper_skb_gso_segment(struct sk_buff *skb,
								  netdev_features_t features)
{
	if (rnetvirt_skb_is_big(skb))
		features &= ~NETIF_F_GSO_MASK;
	return __skb_gso_segment(skb, features, false);
}

__rnetvirt_helper bool rnetvirt_helper_skb_has_partial_csum(const struct sk_buff *skb)
{
	return skb->ip_summed == CHECKSUM_PARTIAL;
}

/* What comes after SKB in a list that has no head. */
__rnetvirt_helper struct sk_buff *rnetvirt_helper_skb_unlink_first(struct sk_buff *skb)
{
	struct sk_buff *next = skb->next;

	skb_mark_not_on_list(skb);
	return next;
}

__rnetvirt_helper int rnetvirt_helper_virtio_net_hdr_from_skb(const struct sk_buff *skb,
							      void *hdr, bool little_endian)
{
	return virtio_net_hdr_from_skb(skb, hdr, little_endian, true,
				       skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);
}

__rnetvirt_helper bool rnetvirt_helper_skb_vlan_tag_present(const struct sk_buff *skb)
{
	return skb_vlan_tag_present(skb);
}

/* Type and tag, as on the wire. */
__rnetvirt_helper u32 rnetvirt_helper_skb_vlan_header(const struct sk_buff *skb)
{
	return (u32)be16_to_cpu(skb->vlan_proto) << 16 | skb_vlan_tag_get(skb);
}

/* Frames from user space. */

/*
 * Whether it is not sock_alloc_send_pskb()'s own error, but one that recvmmsg() has
 * left in the socket for who receives next.
 */
__rnetvirt_helper bool rnetvirt_helper_sock_error_is_left(int err)
{
	switch (err) {
	case -EAGAIN:
	case -EPIPE:
	case -EMSGSIZE:
	case -ENOBUFS:
		return false;
	case -EINTR:
	case -ERESTARTSYS:
		return !signal_pending(current);
	default:
		return true;
	}
}

/* An skb of LEN bytes, of which LINEAR in the linear part. */
__rnetvirt_helper struct sk_buff *rnetvirt_helper_sock_alloc_frame(struct sock *sk,
								   unsigned long len,
								   unsigned long linear,
								   int noblock, int *err)
{
	const unsigned long prepad = HH_DATA_OFF(ETH_HLEN);
	struct sk_buff *skb;
	int left = 0;

again:
	skb = sock_alloc_send_pskb(sk, prepad + linear, len - linear, noblock, err,
				   PAGE_ALLOC_COSTLY_ORDER);
	if (skb) {
		skb_reserve(skb, prepad);
		skb_put(skb, linear);
		skb->data_len = len - linear;
		skb->len += len - linear;
	} else if (!left && rnetvirt_helper_sock_error_is_left(*err)) {
		left = *err;
		goto again;
	}
	if (unlikely(left))
		WRITE_ONCE(sk->sk_err, -left);
	return skb;
}

/*
 * Makes SKB a frame that DEV sends: applies what HDR says, if there is one, and notes where the
 * headers of the layers are, as far as can be seen. EINVAL: HDR does not fit. One call, where
 * helpers are calls.
 */
__rnetvirt_helper int rnetvirt_helper_skb_prepare_frame(struct sk_buff *skb,
							struct net_device *dev,
							const void *hdr, bool little_endian)
{
	int depth;

	skb_set_network_header(skb, ETH_HLEN);
	skb_reset_mac_header(skb);
	skb->protocol = eth_hdr(skb)->h_proto;
	skb->dev = dev;
	if (hdr && virtio_net_hdr_to_skb(skb, hdr, little_endian))
		return -EINVAL;
	skb_probe_transport_header(skb);
	if (eth_type_vlan(skb->protocol) &&
	    vlan_get_protocol_and_depth(skb, skb->protocol, &depth))
		skb_set_network_header(skb, depth);
	return 0;
}

__rnetvirt_helper bool rnetvirt_helper_net_admin_capable(const struct net *net)
{
	return ns_capable(net->user_ns, CAP_NET_ADMIN);
}

__rnetvirt_helper bool rnetvirt_helper_net_is_of_init_user_ns(const struct net *net)
{
	return net->user_ns == &init_user_ns;
}
