// SPDX-License-Identifier: GPL-2.0

#include <linux/bpf.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>
#include <trace/events/xdp.h>

/* What one buffer of a pool has room for, beside the headroom that programs want. */
#define RNETVIRT_XDP_ROOM SKB_WITH_OVERHEAD(PAGE_SIZE - XDP_PACKET_HEADROOM)

__rnetvirt_helper unsigned int rnetvirt_helper_xdp_get_frame_len(const struct xdp_frame *frame)
{
	return xdp_get_frame_len(frame);
}

__rnetvirt_helper bool rnetvirt_helper_xdp_frame_has_frags(const struct xdp_frame *frame)
{
	return xdp_frame_has_frags(frame);
}

__rnetvirt_helper void rnetvirt_helper_bpf_prog_inc(struct bpf_prog *prog)
{
	bpf_prog_inc(prog);
}

__rnetvirt_helper bool rnetvirt_helper_bpf_prog_has_frags(const struct bpf_prog *prog)
{
	return prog->aux->xdp_has_frags;
}

__rnetvirt_helper u32 rnetvirt_helper_bpf_prog_run_xdp(const struct bpf_prog *prog,
						       struct xdp_buff *xdp)
{
	return bpf_prog_run_xdp(prog, xdp);
}

__rnetvirt_helper void rnetvirt_helper_trace_xdp_exception(const struct net_device *dev,
							   const struct bpf_prog *prog, u32 act)
{
	trace_xdp_exception(dev, prog, act);
}

__rnetvirt_helper void rnetvirt_helper_trace_xdp_bulk_tx(const struct net_device *dev, int sent,
							 int drops, int err)
{
	trace_xdp_bulk_tx(dev, sent, drops, err);
}

__rnetvirt_helper void rnetvirt_helper_xdp_set_return_frame_no_direct(void)
{
	xdp_set_return_frame_no_direct();
}

__rnetvirt_helper void rnetvirt_helper_xdp_clear_return_frame_no_direct(void)
{
	xdp_clear_return_frame_no_direct();
}

/* A pool of single pages, seen with DEV. An error is a pointer, too. */
__rnetvirt_helper struct page_pool *rnetvirt_helper_page_pool_create(struct net_device *dev,
								     unsigned int size)
{
	const struct page_pool_params params = {
		.pool_size = size,
		.nid = NUMA_NO_NODE,
		.netdev = dev,
	};

	return page_pool_create(&params);
}

/*
 * Whether a program may run on a received packet where it is, its Ethernet header pulled:
 * nobody else has it, it is one piece that one buffer would have room for, and there is
 * the headroom that programs want.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_is_xdp_ready(const struct sk_buff *skb)
{
	return likely(!skb_shared(skb)) && likely(!skb_cloned(skb)) &&
	       likely(!skb_is_nonlinear(skb)) &&
	       likely(skb_headroom(skb) >= XDP_PACKET_HEADROOM + ETH_HLEN) &&
	       likely(skb->len + ETH_HLEN <= RNETVIRT_XDP_ROOM);
}

/* Pushes the Ethernet header, which skb_pp_cow_data() is to copy, too. */
__rnetvirt_helper void rnetvirt_helper_skb_push_mac(struct sk_buff *skb)
{
	__skb_push(skb, skb->data - skb_mac_header(skb));
}

__rnetvirt_helper void rnetvirt_helper_skb_pull_mac(struct sk_buff *skb)
{
	__skb_pull(skb, ETH_HLEN);
}

/*
 * The packet, its Ethernet header pulled, as programs see it. The tail may not grow beyond
 * what one buffer has room for.
 */
__rnetvirt_helper void rnetvirt_helper_xdp_buff_from_skb(struct xdp_buff *xdp, struct sk_buff *skb,
							 struct xdp_rxq_info *rxq)
{
	unsigned int headroom = skb_headroom(skb) - ETH_HLEN;
	unsigned int room = min_t(unsigned int, skb_end_offset(skb), headroom + RNETVIRT_XDP_ROOM);

	if (unlikely(skb_is_nonlinear(skb)))
		room = skb_end_offset(skb);
	xdp_init_buff(xdp, room + SKB_DATA_ALIGN(sizeof(struct skb_shared_info)), rxq);
	xdp_prepare_buff(xdp, skb->head, headroom, skb_headlen(skb) + ETH_HLEN, true);
	xdp->txq = NULL;
	if (unlikely(skb_is_nonlinear(skb))) {
		skb_shinfo(skb)->xdp_frags_size = skb->data_len;
		xdp_buff_set_frags_flag(xdp);
	}
}

/* What a program has made of the packet, received by DEV. */
__rnetvirt_helper void rnetvirt_helper_skb_from_xdp_buff(struct sk_buff *skb,
							 const struct xdp_buff *xdp,
							 struct net_device *dev)
{
	unsigned int metalen = xdp->data - xdp->data_meta;
	unsigned int len = xdp->data_end - xdp->data;

	if (unlikely(skb->data_len))
		skb->data_len = xdp_buff_has_frags(xdp) ? skb_shinfo(skb)->xdp_frags_size : 0;
	skb->data = xdp->data;
	skb_set_tail_pointer(skb, len);
	skb->len = len + skb->data_len;
	/* Whoever it was for, its address may be another now. */
	skb->pkt_type = PACKET_HOST;
	skb->protocol = eth_type_trans(skb, dev);
	if (unlikely(metalen || skb_metadata_len(skb)))
		skb_metadata_set(skb, metalen);
}

/*
 * Whether the packet's memory can leave it: the head is a piece of a page, and nobody waits
 * for it. It belongs to nobody else.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_has_xdp_memory(struct sk_buff *skb)
{
	return skb->head_frag && skb->fclone == SKB_FCLONE_UNAVAILABLE && !skb_zcopy(skb);
}

/*
 * Whether the packet's head is of a pool. That it is recycled does not say so: some of its
 * pieces are, or were; see skb_pp_recycle().
 */
__rnetvirt_helper bool rnetvirt_helper_skb_is_of_pool(const struct sk_buff *skb)
{
	return skb->pp_recycle && page_pool_page_is_pp(virt_to_head_page(skb->head));
}

/* Frees the packet but for its memory. */
__rnetvirt_helper void rnetvirt_helper_skb_free_but_memory(struct sk_buff *skb)
{
	kfree_skb_partial(skb, true);
}

/*
 * Moves what is in the buffer, one piece of RNETVIRT_XDP_ROOM bytes at most, into memory of
 * the pool. False: there is none, or too much is in the buffer.
 */
__rnetvirt_helper bool rnetvirt_helper_xdp_buff_copy(struct xdp_buff *to,
						     const struct xdp_buff *from,
						     struct page_pool *pool)
{
	unsigned int len = from->data_end - from->data_meta;
	unsigned int metalen = from->data - from->data_meta;
	unsigned int size;
	void *head;

	if (unlikely(len > RNETVIRT_XDP_ROOM))
		return false;
	size = SKB_HEAD_ALIGN(len + XDP_PACKET_HEADROOM);
	head = page_pool_dev_alloc_va(pool, &size);
	if (unlikely(!head))
		return false;
	xdp_init_buff(to, size, from->rxq);
	to->data_hard_start = head;
	to->data_meta = head + XDP_PACKET_HEADROOM;
	to->data = to->data_meta + metalen;
	to->data_end = to->data_meta + len;
	to->txq = NULL;
	memcpy(to->data_meta, from->data_meta, len);
	return true;
}

__rnetvirt_helper void rnetvirt_helper_xdp_convert_frame_to_buff(const struct xdp_frame *frame,
								 struct xdp_buff *xdp)
{
	xdp_convert_frame_to_buff(frame, xdp);
	xdp->txq = NULL;
}

__rnetvirt_helper int rnetvirt_helper_xdp_update_frame_from_buff(const struct xdp_buff *xdp,
								 struct xdp_frame *frame)
{
	return xdp_update_frame_from_buff(xdp, frame);
}

__rnetvirt_helper struct xdp_frame *rnetvirt_helper_xdp_convert_buff_to_frame(struct xdp_buff *xdp)
{
	return xdp_convert_buff_to_frame(xdp);
}

__rnetvirt_helper enum xdp_mem_type
rnetvirt_helper_xdp_frame_mem_type(const struct xdp_frame *frame)
{
	return frame->mem_type;
}

/* What a packet beside a buffer says, as the kfuncs of BPF want it. */
__rnetvirt_helper u64 rnetvirt_helper_skb_rx_timestamp(struct sk_buff *skb)
{
	return skb_hwtstamps(skb)->hwtstamp;
}

__rnetvirt_helper u32 rnetvirt_helper_skb_rx_hash(struct sk_buff *skb,
						  enum xdp_rss_hash_type *type)
{
	u32 hash = skb_get_hash(skb);

	*type = skb->l4_hash ? XDP_RSS_TYPE_L4_ANY : XDP_RSS_TYPE_NONE;
	return hash;
}

__rnetvirt_helper int rnetvirt_helper_skb_rx_vlan_tag(const struct sk_buff *skb, __be16 *proto,
						      u16 *tci)
{
	int err = __vlan_hwaccel_get_tag(skb, tci);

	if (!err)
		*proto = skb->vlan_proto;
	return err;
}
