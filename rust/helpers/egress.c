// SPDX-License-Identifier: GPL-2.0
/* What a device sends, before it does; and packets that are marked as having come this way. */

#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/dst_metadata.h>
#include <net/xfrm.h>

/*
 * A mark is a route that leads nowhere, of a type that only xfrm interfaces look for, and who
 * does not know the very one finds nothing in it.
 */
__rnetvirt_helper struct dst_entry *rnetvirt_helper_alloc_mark(void)
{
	struct metadata_dst *md = metadata_dst_alloc(0, METADATA_XFRM, GFP_KERNEL_ACCOUNT);

	return md ? &md->dst : NULL;
}

__rnetvirt_helper void rnetvirt_helper_skb_mark(struct sk_buff *skb, struct dst_entry *mark)
{
	skb_dst_drop(skb);
	dst_hold(mark);
	skb_dst_set(skb, mark);
}

/* Whether it has the mark, which is taken off unless somebody else holds the packet, too. */
__rnetvirt_helper bool rnetvirt_helper_skb_unmark(struct sk_buff *skb, const struct dst_entry *mark)
{
	if ((skb->_skb_refdst & SKB_DST_PTRMASK) != (unsigned long)mark)
		return false;
	if (!skb_shared(skb))
		skb_dst_drop(skb);
	return true;
}

/*
 * Whether it is sent in clear but for what is done behind the hook, or not to be read: IPsec that is
 * left to be encrypted (validate_xmit_xfrm()), TLS and PSP (sk_validate_xmit_skb()), memory of devices.
 */
__rnetvirt_helper bool rnetvirt_helper_skb_is_unfinished(const struct sk_buff *skb)
{
#ifdef CONFIG_XFRM_OFFLOAD
	struct xfrm_offload *xo = xfrm_offload((struct sk_buff *)skb);

	if (xo && !(xo->flags & XFRM_XMIT))
		return true;
#endif
	return skb_is_decrypted(skb) || !skb_frags_readable(skb);
}

/* Whether it has a VLAN tag, beside it or in it, also one of VLAN 0. */
__rnetvirt_helper bool rnetvirt_helper_skb_is_tagged(const struct sk_buff *skb)
{
	return skb_vlan_tag_present(skb) ||
	       eth_type_vlan(((const struct ethhdr *)skb->data)->h_proto);
}

/* Shows packet sockets what its device would send: dev_hard_start_xmit() never sees it. */
__rnetvirt_helper void rnetvirt_helper_skb_show_sent(struct sk_buff *skb)
{
	if (dev_nit_active_rcu(skb->dev))
		dev_queue_xmit_nit(skb, skb->dev);
}
