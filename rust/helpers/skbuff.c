// SPDX-License-Identifier: GPL-2.0

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/pkt_sched.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/dst.h>
#include <net/dst_metadata.h>
#include <net/hotdata.h>
#include <net/sock.h>

__rnetvirt_helper bool rnetvirt_helper_pskb_may_pull(struct sk_buff *skb, unsigned int len)
{
	return pskb_may_pull(skb, len);
}

__rnetvirt_helper bool rnetvirt_helper_skb_is_gso(const struct sk_buff *skb)
{
	return skb_is_gso(skb);
}

__rnetvirt_helper u16 rnetvirt_helper_skb_gso_size(const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_size;
}

/* Where that begins, from the data on, whose checksum is still to be computed. */
__rnetvirt_helper int rnetvirt_helper_skb_checksum_start_offset(const struct sk_buff *skb)
{
	return skb_checksum_start_offset(skb);
}

__rnetvirt_helper u16 rnetvirt_helper_skb_csum_offset(const struct sk_buff *skb)
{
	return skb->csum_offset;
}

__rnetvirt_helper void rnetvirt_helper_skb_tx_timestamp(struct sk_buff *skb)
{
	skb_tx_timestamp(skb);
}

/* That the sender's classifiers are not to look at the packet again: those of others are. */
static __always_inline void rnetvirt_skb_forget_classified(struct sk_buff *skb)
{
#ifdef CONFIG_NET_XGRESS
	skb->tc_skip_classify = 0;
#endif
}

/* The same where it is received, and that generic XDP programs are not to. */
static __always_inline void rnetvirt_skb_forget_tc(struct sk_buff *skb)
{
	rnetvirt_skb_forget_classified(skb);
	skb_reset_redirect(skb);
}

/*
 * What DEV receives goes to its stack, which lets go of a packet's socket first, unless there is
 * something in front of that: if that is another tenant's it could keep the packet, and with it
 * the sender's socket from sending to anybody, and his namespace from going. Whether so.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_may_be_kept(const struct net_device *dev,
						       const struct sk_buff *skb)
{
	const struct net *net = dev_net(dev);

	if (!skb->destructor || net_eq(net, dev_net(skb->dev)))
		return false;
	/* Who is to get it, a program of the other namespace has said: a socket there. */
	if (skb_sk_is_prefetched((struct sk_buff *)skb))
		return true;
	if (net_eq(net, &init_net))
		return false;
	return unlikely(rnetvirt_ingress_claims(dev) |
			(unsigned long)rcu_access_pointer(dev->rx_handler));
}

__rnetvirt_helper int rnetvirt_helper_dev_forward_skb_scrub(struct net_device *dev,
							    struct sk_buff *skb)
{
	rnetvirt_skb_forget_tc(skb);
	return ____dev_forward_skb(dev, skb, true);
}

/*
 * Whether ____dev_forward_skb() to DEV neither refuses the frame nor has to copy pages
 * of user space: then all that it does is to scrub.
 * Follows include/linux/netdevice.h:____dev_forward_skb() d1220f8a.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_is_plainly_forwardable(const struct net_device *dev,
								  struct sk_buff *skb)
{
	/* skb_zcopy(), which would ask whether there is a packet. */
	if (unlikely(skb_shinfo(skb)->flags & SKBFL_ZEROCOPY_ENABLE) && skb_uarg(skb))
		return false;
	return likely(__is_skb_forwardable(dev, skb, true));
}

/* What ____dev_forward_skb() to a device of NET does to such a frame. */
__rnetvirt_helper void rnetvirt_helper_skb_scrub_forwarded(const struct net *net,
							   struct sk_buff *skb)
{
	rnetvirt_skb_forget_tc(skb);
	skb_scrub_packet(skb, !net_eq(net, dev_net(skb->dev)));
	skb->priority = 0;
}

/*
 * The Ethernet header was pulled: skb_postpull_rcsum(), with one test if there is no checksum.
 * Follows include/linux/skbuff.h:skb_postpull_rcsum() 73c54099.
 */
static __always_inline void rnetvirt_postpull_eth(struct sk_buff *skb)
{
	BUILD_BUG_ON((CHECKSUM_NONE | CHECKSUM_UNNECESSARY) & CHECKSUM_COMPLETE);
	BUILD_BUG_ON(!(CHECKSUM_PARTIAL & CHECKSUM_COMPLETE));
	if (skb->ip_summed & CHECKSUM_COMPLETE)
		skb_postpull_rcsum(skb, eth_hdr(skb), ETH_HLEN);
}

/*
 * The second half of __dev_forward_skb(): hand the frame to its new device.
 * Follows net/core/dev.c:__dev_forward_skb2() 8735ca1c.
 */
__rnetvirt_helper void rnetvirt_helper_dev_forward_skb_receive(struct net_device *dev,
							       struct sk_buff *skb)
{
	skb->protocol = eth_type_trans(skb, dev);
	rnetvirt_postpull_eth(skb);
}

/* A new frame of these bytes, whose header is among them, that DEV has received. */
__rnetvirt_helper struct sk_buff *rnetvirt_helper_skb_received(struct net_device *dev,
							       const void *bytes,
							       unsigned int len)
{
	struct sk_buff *skb = alloc_skb(NET_SKB_PAD + NET_IP_ALIGN + len, GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb_reserve(skb, NET_SKB_PAD + NET_IP_ALIGN);
	__skb_put_data(skb, bytes, len);
	skb->protocol = eth_type_trans(skb, dev);
	return skb;
}

/*
 * The same for a scrubbed frame that is known to have its header and to be for DEV's
 * own address, on a device that no switch tags packets for: what eth_type_trans() does
 * where it has no questions. Scrubbing made the type PACKET_HOST.
 * Follows net/ethernet/eth.c:eth_type_trans() 827940ae.
 */
__rnetvirt_helper void rnetvirt_helper_dev_forward_skb_receive_own(struct net_device *dev,
								   struct sk_buff *skb)
{
	__be16 protocol = ((const struct ethhdr *)skb->data)->h_proto;

	if (likely(eth_proto_is_802_3(protocol))) {
		skb->dev = dev;
		skb_reset_mac_header(skb);
		skb->len -= ETH_HLEN;
		skb->data += ETH_HLEN;
		skb->protocol = protocol;
	} else {
		skb->protocol = eth_type_trans(skb, dev);
	}
	rnetvirt_postpull_eth(skb);
}

/*
 * How many frames those are on the wire that a packet is cut into, and how many bytes. What the sender
 * said of the number is not relied on, nor that headers are where he says: they have some length.
 * Follows net/core/dev.c:qdisc_pkt_len_segs_init() 1c769ab7.
 */
static u64 rnetvirt_gso_wire_size(const struct sk_buff *skb, unsigned int len, unsigned int head)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	const struct sk_buff *piece;
	unsigned int hdr_len;
	struct tcphdr tcp;
	u64 segs = 1;
	int transport;

	transport = skb->encapsulation ? skb_inner_transport_offset(skb) : skb_transport_offset(skb);
	if (!skb->encapsulation && !skb_transport_header_was_set(skb))
		transport = 0;
	hdr_len = max(transport + (int)head, (int)(ETH_HLEN + sizeof(struct iphdr)));
	if (shinfo->gso_type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6)) {
		const struct tcphdr *th;

		th = skb_header_pointer(skb, hdr_len - head, sizeof(tcp), &tcp);
		hdr_len += th ? max(__tcp_hdrlen(th), (unsigned int)sizeof(tcp)) : sizeof(tcp);
	} else if (shinfo->gso_type & SKB_GSO_UDP_L4) {
		hdr_len += sizeof(struct udphdr);
	}
	if (shinfo->gso_size == GSO_BY_FRAGS) {
		/* SCTP: each piece is a packet. */
		segs = 0;
		skb_walk_frags(skb, piece)
			segs++;
		segs = max(segs, 1);
	} else if (len > hdr_len) {
		segs = DIV_ROUND_UP(len - hdr_len, shinfo->gso_size);
	}
	return segs << 32 | min(len + (segs - 1) * hdr_len, 1ull << 30);
}

/*
 * How many bytes a packet is on the wire, in the lower half, and how many frames. HEAD bytes are in
 * front of its data.
 */
__rnetvirt_helper u64 rnetvirt_helper_skb_wire_size(const struct sk_buff *skb, unsigned int head)
{
	unsigned int len = skb->len + head;
	u64 size = 1ull << 32 | len;

	if (skb_is_gso(skb))
		size = rnetvirt_gso_wire_size(skb, len, head);
	if (skb_vlan_tag_present(skb))
		size += (size >> 32) * VLAN_HLEN;
	return size;
}

/* skb_headlen(skb) >= len, in an instruction less. */
__rnetvirt_helper bool rnetvirt_helper_skb_has_linear(const struct sk_buff *skb, unsigned int len)
{
	return skb->len >= skb->data_len + len;
}

/* Whether the header of a received packet is Ethernet's, and right in front of its data. */
__rnetvirt_helper bool rnetvirt_helper_skb_has_rx_eth_hdr(const struct sk_buff *skb)
{
	return skb->data == skb->head + skb->mac_header + ETH_HLEN;
}

/*
 * Makes it so if tags are in between, which VLAN devices without VLAN_FLAG_REORDER_HDR
 * leave there. NULL: no memory, and the packet is freed.
 */
__rnetvirt_helper struct sk_buff *rnetvirt_helper_skb_untag_rx_hdr(struct sk_buff *skb)
{
	int tags;

	if (!skb_mac_header_was_set(skb))
		return skb;
	tags = skb->data - skb_mac_header(skb) - ETH_HLEN;
	if (tags <= 0 || tags % VLAN_HLEN || !eth_type_vlan(eth_hdr(skb)->h_proto))
		return skb;
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return NULL;
	if (skb_unclone(skb, GFP_ATOMIC)) {
		kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
		return NULL;
	}
	memmove(skb_mac_header(skb) + tags, skb_mac_header(skb), 2 * ETH_ALEN);
	skb->mac_header += tags;
	skb->mac_len = ETH_HLEN;
	/* Notes of an XDP program would have to be in front of it. */
	skb_metadata_clear(skb);
	return skb;
}

__rnetvirt_helper void rnetvirt_helper_skb_set_pkt_type(struct sk_buff *skb, unsigned char pkt_type)
{
	skb->pkt_type = pkt_type;
}

__rnetvirt_helper void rnetvirt_helper_skb_set_received(struct sk_buff *skb,
							struct net_device *dev,
							unsigned char pkt_type)
{
	skb->dev = dev;
	skb->pkt_type = pkt_type;
}

__rnetvirt_helper void rnetvirt_helper_skb_set_dev_only(struct sk_buff *skb,
							struct net_device *dev)
{
	skb->dev = dev;
}

/* A mark of ours (egress.c), or what an xfrm interface would look for, which is no Ethernet device. */
static bool rnetvirt_skb_is_marked(const struct sk_buff *skb)
{
	const struct metadata_dst *md = skb_metadata_dst(skb);

	return md && md->type == METADATA_XFRM;
}

/*
 * What classifiers, rules and queueing disciplines of another namespace would take for their own:
 * a class (SO_PRIORITY), a realm or a tunnel (the route), the state of a connection, where a chain
 * goes on (skb_ext).
 */
static void rnetvirt_skb_forget_net(struct sk_buff *skb)
{
	if (skb->priority > TC_PRIO_MAX)
		skb->priority = 0;
	if (!rnetvirt_skb_is_marked(skb))
		skb_dst_drop(skb);
	skb_ext_reset(skb);
	nf_reset_ct(skb);
	nf_reset_trace(skb);
}

/* Whether there may be something of that. */
static __always_inline bool rnetvirt_skb_is_noted(const struct sk_buff *skb)
{
	unsigned long noted = skb->_skb_refdst;

#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	noted |= skb->_nfct;
#endif
#ifdef CONFIG_SKB_EXTENSIONS
	noted |= skb->active_extensions;
#endif
	return noted || skb->priority > TC_PRIO_MAX;
}

static __always_inline int rnetvirt_skb_xmit_by(struct sk_buff *skb, struct net_device *lower)
{
	rnetvirt_skb_forget_classified(skb);
	skb->dev = lower;
	return dev_queue_xmit(skb);
}

static noinline int rnetvirt_skb_xmit_noted(struct sk_buff *skb, struct net_device *lower)
{
	if (!net_eq(dev_net(skb->dev), dev_net(lower)))
		rnetvirt_skb_forget_net(skb);
	return rnetvirt_skb_xmit_by(skb, lower);
}

/*
 * The packet goes on by LOWER (dev_queue_xmit()): what its sender's namespace has said of it does
 * not hold in another.
 */
__rnetvirt_helper int rnetvirt_helper_skb_xmit_lower(struct sk_buff *skb, struct net_device *lower)
{
	/* Nothing is to be kept in a register for a call in between. */
	if (rnetvirt_skb_is_noted(skb))
		return rnetvirt_skb_xmit_noted(skb, lower);
	return rnetvirt_skb_xmit_by(skb, lower);
}

/* LOWER is its device, and it was scrubbed, as one that CROSSES from a namespace to another or does not. */
__rnetvirt_helper void rnetvirt_helper_skb_set_lower(struct sk_buff *skb,
						     struct net_device *lower, bool crosses)
{
	if (unlikely(skb->priority > TC_PRIO_MAX) && crosses)
		skb->priority = 0;
	rnetvirt_skb_forget_classified(skb);
	skb->dev = lower;
}

/* There is a VLAN tag beside the packet, with a number. */
__rnetvirt_helper bool rnetvirt_helper_skb_is_in_vlan(const struct sk_buff *skb)
{
	return skb_vlan_tag_present(skb) && skb_vlan_tag_get_id(skb);
}

__rnetvirt_helper u16 rnetvirt_helper_skb_protocol(const struct sk_buff *skb)
{
	return be16_to_cpu(skb->protocol);
}

/* The packet itself if nobody else holds it, else a clone. NULL: no memory, and it is freed. */
__rnetvirt_helper struct sk_buff *rnetvirt_helper_skb_share_check(struct sk_buff *skb)
{
	return skb_share_check(skb, GFP_ATOMIC);
}

__rnetvirt_helper struct sk_buff *rnetvirt_helper_skb_clone_atomic(struct sk_buff *skb)
{
	return skb_clone(skb, GFP_ATOMIC);
}

/*
 * What rnetvirt_helper_skb_detach() would have to let go of: 0 nothing, 1 a socket only, as
 * with most packets, 2 perhaps more.
 */
__rnetvirt_helper u32 rnetvirt_helper_skb_attached(struct sk_buff *skb)
{
	if (skb_get_nfct(skb) || skb->_skb_refdst || skb_zcopy(skb) || skb_has_frag_list(skb))
		return 2;
	return !!skb->sk;
}

/* Fragments that were put together came in as packets, with pages of their own. */
static bool rnetvirt_skb_has_zcopy_frags(const struct sk_buff *skb)
{
	struct sk_buff *frag;

	skb_walk_frags(skb, frag) {
		if (skb_zcopy(frag) || skb_get_nfct(frag))
			return true;
	}
	return false;
}

/* Lets go of what others wait for. False: no memory for copies of user space's pages. */
__rnetvirt_helper bool rnetvirt_helper_skb_detach(struct sk_buff *skb)
{
	skb_dst_drop(skb);
	nf_reset_ct(skb);
	skb_orphan(skb);
	return !skb_orphan_frags_rx(skb, GFP_ATOMIC) &&
	       !(rnetvirt_skb_has_zcopy_frags(skb) && __skb_linearize(skb));
}

__rnetvirt_helper void rnetvirt_helper_consume_skb(struct sk_buff *skb)
{
	consume_skb(skb);
}

__rnetvirt_helper struct net_device *rnetvirt_helper_skb_dev(const struct sk_buff *skb)
{
	return skb->dev;
}

__rnetvirt_helper const struct ethhdr *rnetvirt_helper_skb_mac_header(const struct sk_buff *skb)
{
	return (const struct ethhdr *)skb_mac_header(skb);
}

/* How many packets a CPU's backlog takes. */
__rnetvirt_helper int rnetvirt_helper_net_max_backlog(void)
{
	return READ_ONCE(net_hotdata.max_backlog);
}
