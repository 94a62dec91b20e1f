// SPDX-License-Identifier: GPL-2.0

#include <linux/bpf.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip6_checksum.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>
#include <trace/events/xdp.h>

/* What one buffer of a pool has room for, beside the headroom that programs want. */
#define RNETVIRT_XDP_ROOM SKB_WITH_OVERHEAD(PAGE_SIZE - XDP_PACKET_HEADROOM)

__rnetvirt_helper unsigned int rnetvirt_helper_xdp_get_frame_len(const struct xdp_frame *frame)
{
	return xdp_get_frame_len(frame);
}

__rnetvirt_helper void rnetvirt_helper_bpf_prog_inc(struct bpf_prog *prog)
{
	bpf_prog_inc(prog);
}

__rnetvirt_helper bool rnetvirt_helper_bpf_prog_has_frags(const struct bpf_prog *prog)
{
	return prog->aux->xdp_has_frags;
}

/*
 * Whether the program, or what it calls, may move the ends of a packet, or put metadata in
 * front of it. The verifier relies on that: it forgets what it knew of the packet then.
 */
__rnetvirt_helper bool rnetvirt_helper_bpf_prog_moves_ends(const struct bpf_prog *prog)
{
	return prog->aux->changes_pkt_data;
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
 * Whether there is the headroom that programs want in front of a received packet, its Ethernet
 * header pulled.
 */
static inline bool skb_has_xdp_headroom(const struct sk_buff *skb)
{
	return skb_headroom(skb) >= XDP_PACKET_HEADROOM + ETH_HLEN;
}

/*
 * Whether a program may run on a received packet where it is, its Ethernet header pulled:
 * nobody else has it, it is one piece that one buffer would have room for, and there is
 * headroom if the program may use some.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_is_xdp_ready(const struct sk_buff *skb,
							const struct bpf_prog *prog)
{
	return likely(!skb_shared(skb)) && likely(!skb_cloned(skb)) &&
	       likely(!skb_is_nonlinear(skb)) &&
	       likely(skb->len + ETH_HLEN <= RNETVIRT_XDP_ROOM) &&
	       (skb_has_xdp_headroom(skb) || likely(!prog->aux->changes_pkt_data));
}

/*
 * Puts a copy of the packet that nobody else has in its place, with room in front, of memory of
 * the pool; in pieces if it is large. The header goes with it, which was pulled. False: there is
 * no memory, it is too large, or in pieces, which the program cannot do with, as it came or as it
 * is now.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_copy_for_xdp(struct sk_buff **skb,
							struct page_pool *pool,
							const struct bpf_prog *prog)
{
	int err;

	__skb_push(*skb, (*skb)->data - skb_mac_header(*skb));
	err = skb_pp_cow_data(pool, skb, XDP_PACKET_HEADROOM);
	__skb_pull(*skb, ETH_HLEN);
	return !err && (!skb_is_nonlinear(*skb) || prog->aux->xdp_has_frags);
}

/*
 * Runs the program on the packet, its Ethernet header pulled. The tail may not grow beyond what
 * one buffer has room for.
 */
__rnetvirt_helper u32 rnetvirt_helper_xdp_run_on_skb(const struct bpf_prog *prog,
						     struct xdp_buff *xdp, struct sk_buff *skb,
						     struct xdp_rxq_info *rxq)
{
	unsigned int headroom = skb_headroom(skb) - ETH_HLEN;
	unsigned int room = min_t(unsigned int, skb_end_offset(skb),
				  SKB_DATA_ALIGN(headroom + RNETVIRT_XDP_ROOM));

	xdp_init_buff(xdp, room + SKB_DATA_ALIGN(sizeof(struct skb_shared_info)), rxq);
	xdp_prepare_buff(xdp, skb->head, headroom, skb_headlen(skb) + ETH_HLEN, true);
	xdp->txq = NULL;
	if (unlikely(skb_is_nonlinear(skb))) {
		skb_shinfo(skb)->xdp_frags_size = skb->data_len;
		xdp_buff_set_frags_flag(xdp);
	}
	return bpf_prog_run_xdp(prog, xdp);
}

/* Runs the program on what is in the frame. */
__rnetvirt_helper u32 rnetvirt_helper_xdp_run_on_frame(const struct bpf_prog *prog,
						       struct xdp_buff *xdp,
						       const struct xdp_frame *frame,
						       struct xdp_rxq_info *rxq)
{
	xdp_convert_frame_to_buff(frame, xdp);
	xdp->rxq = rxq;
	xdp->txq = NULL;
	return bpf_prog_run_xdp(prog, xdp);
}

/*
 * What a program has made of the packet, received by DEV. Whether it was moved, or has another
 * length, and somebody later relies on what the skb says of where its headers are.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_from_xdp_buff(struct sk_buff *skb,
							 const struct xdp_buff *xdp,
							 struct net_device *dev)
{
	unsigned int metalen = xdp->data - xdp->data_meta;
	unsigned int len = xdp->data_end - xdp->data;
	void *data = skb->data - ETH_HLEN, *end = skb->data + skb->len;
	bool moved;

	if (unlikely(skb->data_len))
		skb->data_len = xdp_buff_has_frags(xdp) ? skb_shinfo(skb)->xdp_frags_size : 0;
	skb->data = xdp->data;
	skb_set_tail_pointer(skb, len);
	skb->len = len + skb->data_len;
	moved = skb->data != data || skb->data + skb->len != end;
	/* Whoever it was for, its address may be another now. */
	skb->pkt_type = PACKET_HOST;
	skb->protocol = eth_type_trans(skb, dev);
	if (unlikely(metalen || skb_metadata_len(skb)))
		skb_metadata_set(skb, metalen);
	return unlikely(moved) && (skb->ip_summed == CHECKSUM_PARTIAL || skb_is_gso(skb));
}

__rnetvirt_helper bool rnetvirt_helper_skb_is_encapsulated(const struct sk_buff *skb)
{
	return skb->encapsulation;
}

__rnetvirt_helper void rnetvirt_helper_skb_set_csum_start(struct sk_buff *skb, const void *start)
{
	skb->csum_start = start - (const void *)skb->head;
}

__rnetvirt_helper void rnetvirt_helper_skb_forget_csum(struct sk_buff *skb)
{
	skb->ip_summed = CHECKSUM_NONE;
}

/*
 * If the place that the packet says its checksum has, which was left to a later device, is not in
 * its first piece any more, it is a packet without: skb_checksum_help() warns of such.
 */
__rnetvirt_helper void rnetvirt_helper_skb_forget_csum_outside(struct sk_buff *skb)
{
	int start = skb_checksum_start_offset(skb);

	if (start < 0 || start + skb->csum_offset + sizeof(__sum16) > skb_headlen(skb))
		skb->ip_summed = CHECKSUM_NONE;
}

/*
 * Has the packet, which is to be cut, be looked at before that, as after bpf_skb_adjust_room(), or
 * not be cut at all, if there is no more in it than fits. False: it is of another protocol than it
 * was, by whose rules it cannot be.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_look_at_gso_anew(struct sk_buff *skb, bool tcp, bool v6,
							    unsigned int data)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int type = !tcp ? SKB_GSO_UDP_L4 : v6 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4;

	if (!(shinfo->gso_type & type))
		return false;
	if (data <= shinfo->gso_size) {
		skb_gso_reset(skb);
	} else {
		shinfo->gso_type |= SKB_GSO_DODGY;
		shinfo->gso_segs = 0;
	}
	return true;
}

__rnetvirt_helper u32 rnetvirt_helper_xdp_buff_len(const struct xdp_buff *xdp)
{
	return xdp_get_buff_len(xdp);
}

/* The sum of LEN bytes behind the first OFFSET ones, which are in the first piece. */
static __wsum xdp_buff_sum(const struct xdp_buff *xdp, unsigned int offset, unsigned int len)
{
	unsigned int at = min_t(unsigned int, len, xdp->data_end - xdp->data - offset);
	__wsum sum = csum_partial(xdp->data + offset, at, 0);
	const struct skb_shared_info *shinfo;
	unsigned int i;

	if (!xdp_buff_has_frags(xdp))
		return sum;
	shinfo = xdp_get_shared_info_from_buff(xdp);
	for (i = 0; i < shinfo->nr_frags && at < len; i++) {
		const skb_frag_t *frag = &shinfo->frags[i];
		unsigned int size = min(len - at, skb_frag_size(frag));

		sum = csum_block_add(sum, csum_partial(skb_frag_address(frag), size, 0), at);
		at += size;
	}
	return sum;
}

/* The checksum of SUM and the pseudo header of LEN bytes between the ADDRESSES. */
static __sum16 xdp_buff_magic(const struct xdp_buff *xdp, unsigned int addresses, unsigned int len,
			      bool tcp, bool v6, __wsum sum)
{
	u8 protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	const void *from = xdp->data + addresses;
	struct in6_addr ip[2];

	if (v6) {
		memcpy(ip, from, sizeof(ip));
		return csum_ipv6_magic(&ip[0], &ip[1], len, protocol, sum);
	}
	return csum_tcpudp_magic(get_unaligned((__be32 *)from), get_unaligned((__be32 *)(from + 4)),
				 len, protocol, sum);
}

static __sum16 *xdp_buff_check(const struct xdp_buff *xdp, unsigned int offset, bool tcp)
{
	void *header = xdp->data + offset;

	return tcp ? &((struct tcphdr *)header)->check : &((struct udphdr *)header)->check;
}

/*
 * Whether there is the sum of the pseudo header where TCP or UDP, LEN bytes from OFFSET on, have
 * their checksum, as it is as long as that is left to a later device. Header and ADDRESSES are in
 * the first piece.
 */
__rnetvirt_helper bool rnetvirt_helper_xdp_buff_has_pseudo_sum(const struct xdp_buff *xdp,
							       unsigned int addresses,
							       unsigned int offset,
							       unsigned int len, bool tcp, bool v6)
{
	__wsum sum = csum_unfold(get_unaligned(xdp_buff_check(xdp, offset, tcp)));

	return !csum_fold(csum_add(sum, csum_unfold(xdp_buff_magic(xdp, addresses, len, tcp, v6, 0))));
}

/*
 * Computes the checksum of TCP or UDP, LEN bytes from OFFSET on, whose header and the ADDRESSES
 * of IP are in the first piece. UDP that has none keeps none.
 */
__rnetvirt_helper void rnetvirt_helper_xdp_buff_complete_checksum(struct xdp_buff *xdp,
								  unsigned int addresses,
								  unsigned int offset,
								  unsigned int len, bool tcp,
								  bool v6)
{
	__sum16 *check = xdp_buff_check(xdp, offset, tcp);
	__sum16 sum;

	if (!tcp && !get_unaligned(check))
		return;
	put_unaligned(0, check);
	sum = xdp_buff_magic(xdp, addresses, len, tcp, v6, xdp_buff_sum(xdp, offset, len));
	put_unaligned(sum ?: CSUM_MANGLED_0, check);
}

/*
 * Frees the packet but for its memory, and says of what kind that is, if it can leave the packet;
 * else MEM_TYPE_MAX. It can if nothing is left to a later device: the packet is not to be cut, and
 * there is a checksum, or none is wanted; if the head is a piece of a page, and nobody waits for
 * it; if there is headroom for the frame, and for programs behind a map or at the next device,
 * which may use some whether the first one does or not. It belongs to nobody else.
 */
__rnetvirt_helper enum xdp_mem_type rnetvirt_helper_skb_leave_memory(struct sk_buff *skb)
{
	enum xdp_mem_type kind = MEM_TYPE_PAGE_SHARED;

	if (unlikely(skb->ip_summed == CHECKSUM_PARTIAL) || unlikely(skb_is_gso(skb)) ||
	    !skb->head_frag || skb->fclone != SKB_FCLONE_UNAVAILABLE || skb_zcopy(skb) ||
	    unlikely(!skb_has_xdp_headroom(skb)))
		return MEM_TYPE_MAX;
	/* That it is recycled does not say so: some pieces are, or were; see skb_pp_recycle(). */
	if (skb->pp_recycle && page_pool_page_is_pp(virt_to_head_page(skb->head)))
		kind = MEM_TYPE_PAGE_POOL;
	kfree_skb_partial(skb, true);
	return kind;
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
