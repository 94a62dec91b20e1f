/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The headers that bindgen reads for this module. Sorted alphabetically, after
 * those that must come first so that enums are seen before they are referred to.
 */
#include <linux/hrtimer_types.h>

#include <linux/bpf.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/fs.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/net_tstamp.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netpoll.h>
#include <linux/notifier.h>
#include <linux/poll.h>
#include <linux/ptr_ring.h>
#include <linux/rcupdate.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/veth.h>
#include <linux/virtio_net.h>
#include <linux/workqueue.h>
#include <net/addrconf.h>
#include <net/dropreason.h>
#include <net/dst.h>
#include <net/flow.h>
#include <net/gso.h>
#include <net/if_inet6.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/l3mdev.h>
#include <net/net_namespace.h>
#include <net/netlink.h>
#include <net/netns/generic.h>
#include <net/page_pool/helpers.h>
#include <net/route.h>
#include <net/rtnetlink.h>
#include <net/sock.h>
#include <net/xdp.h>

/* Macros that bindgen cannot evaluate: the build strips the prefix. */
const netdev_features_t RNETVIRT_CONST_NETIF_F_SG = NETIF_F_SG;
const netdev_features_t RNETVIRT_CONST_NETIF_F_FRAGLIST = NETIF_F_FRAGLIST;
const netdev_features_t RNETVIRT_CONST_NETIF_F_HW_CSUM = NETIF_F_HW_CSUM;
const netdev_features_t RNETVIRT_CONST_NETIF_F_RXCSUM = NETIF_F_RXCSUM;
const netdev_features_t RNETVIRT_CONST_NETIF_F_SCTP_CRC = NETIF_F_SCTP_CRC;
const netdev_features_t RNETVIRT_CONST_NETIF_F_HIGHDMA = NETIF_F_HIGHDMA;
const netdev_features_t RNETVIRT_CONST_NETIF_F_GRO = NETIF_F_GRO;
const netdev_features_t RNETVIRT_CONST_NETIF_F_GRO_FRAGLIST = NETIF_F_GRO_FRAGLIST;
const netdev_features_t RNETVIRT_CONST_NETIF_F_GRO_UDP_FWD = NETIF_F_GRO_UDP_FWD;
const netdev_features_t RNETVIRT_CONST_NETIF_F_GSO_SOFTWARE = NETIF_F_GSO_SOFTWARE;
const netdev_features_t RNETVIRT_CONST_NETIF_F_GSO_ENCAP_ALL = NETIF_F_GSO_ENCAP_ALL;
const netdev_features_t RNETVIRT_CONST_NETIF_F_HW_VLAN_CTAG_TX = NETIF_F_HW_VLAN_CTAG_TX;
const netdev_features_t RNETVIRT_CONST_NETIF_F_HW_VLAN_CTAG_RX = NETIF_F_HW_VLAN_CTAG_RX;
const netdev_features_t RNETVIRT_CONST_NETIF_F_HW_VLAN_STAG_TX = NETIF_F_HW_VLAN_STAG_TX;
const netdev_features_t RNETVIRT_CONST_NETIF_F_HW_VLAN_STAG_RX = NETIF_F_HW_VLAN_STAG_RX;
const netdev_features_t RNETVIRT_CONST_NETIF_F_GSO = NETIF_F_GSO;
const netdev_features_t RNETVIRT_CONST_NETIF_F_GSO_ROBUST = NETIF_F_GSO_ROBUST;
const netdev_features_t RNETVIRT_CONST_NETIF_F_TSO = NETIF_F_TSO;
const netdev_features_t RNETVIRT_CONST_NETIF_F_TSO_ECN = NETIF_F_TSO_ECN;
const netdev_features_t RNETVIRT_CONST_NETIF_F_TSO_MANGLEID = NETIF_F_TSO_MANGLEID;
const netdev_features_t RNETVIRT_CONST_NETIF_F_TSO6 = NETIF_F_TSO6;
const netdev_features_t RNETVIRT_CONST_NETIF_F_LRO = NETIF_F_LRO;
const netdev_features_t RNETVIRT_CONST_NETIF_F_ALL_FOR_ALL = NETIF_F_ALL_FOR_ALL;
const netdev_features_t RNETVIRT_CONST_NETIF_F_HW_VLAN_CTAG_FILTER = NETIF_F_HW_VLAN_CTAG_FILTER;
const netdev_features_t RNETVIRT_CONST_NETIF_F_HW_VLAN_STAG_FILTER = NETIF_F_HW_VLAN_STAG_FILTER;
const netdev_features_t RNETVIRT_CONST_NETIF_F_VLAN_CHALLENGED = NETIF_F_VLAN_CHALLENGED;
const gfp_t RNETVIRT_CONST_GFP_ATOMIC = GFP_ATOMIC;
const gfp_t RNETVIRT_CONST_GFP_KERNEL = GFP_KERNEL;
const gfp_t RNETVIRT_CONST_GFP_KERNEL_ACCOUNT = GFP_KERNEL_ACCOUNT;
const netdev_features_t RNETVIRT_CONST_NETIF_F_CSUM_MASK = NETIF_F_CSUM_MASK;
const netdev_features_t RNETVIRT_CONST_NETIF_F_GSO_ACCECN = NETIF_F_GSO_ACCECN;
const netdev_features_t RNETVIRT_CONST_NETIF_F_GSO_UDP_L4 = NETIF_F_GSO_UDP_L4;
const __poll_t RNETVIRT_CONST_EPOLLIN = EPOLLIN;
const __poll_t RNETVIRT_CONST_EPOLLOUT = EPOLLOUT;
const __poll_t RNETVIRT_CONST_EPOLLERR = EPOLLERR;
const __poll_t RNETVIRT_CONST_EPOLLHUP = EPOLLHUP;
const __poll_t RNETVIRT_CONST_EPOLLRDNORM = EPOLLRDNORM;
const __poll_t RNETVIRT_CONST_EPOLLRDBAND = EPOLLRDBAND;
const __poll_t RNETVIRT_CONST_EPOLLWRNORM = EPOLLWRNORM;
const __poll_t RNETVIRT_CONST_EPOLLWRBAND = EPOLLWRBAND;
const fmode_t RNETVIRT_CONST_FMODE_READ = FMODE_READ;
const fmode_t RNETVIRT_CONST_FMODE_WRITE = FMODE_WRITE;
/* What places are computed with: bindgen is not asked whether it has understood a layout. */
const size_t RNETVIRT_CONST_NET_DEVICE_PRIV = offsetof(struct net_device, priv);
const size_t RNETVIRT_CONST_NETDEV_QUEUE_SIZE = sizeof(struct netdev_queue);

const u32 RNETVIRT_CONST_XDP_MAX_LINEAR =
	SKB_WITH_OVERHEAD(PAGE_SIZE - XDP_PACKET_HEADROOM - NET_IP_ALIGN);
const u32 RNETVIRT_CONST_XDP_MAX_FRAGS = PAGE_SIZE * MAX_SKB_FRAGS;
/* Frames from user space: the longest head; how short they are not worth a page beside it; most in pages. */
const unsigned long RNETVIRT_CONST_FRAME_MAX_HEAD = SKB_MAX_HEAD(HH_DATA_OFF(ETH_HLEN));
const unsigned long RNETVIRT_CONST_FRAME_MIN_PAGED = PAGE_SIZE - HH_DATA_OFF(ETH_HLEN);
const unsigned long RNETVIRT_CONST_FRAME_MAX_PAGED =
	MAX_SKB_FRAGS * (PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER);
