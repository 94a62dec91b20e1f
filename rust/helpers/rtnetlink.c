// SPDX-License-Identifier: GPL-2.0

#include <linux/rtnetlink.h>
#include <net/rtnetlink.h>

__rnetvirt_helper void rnetvirt_helper_assert_rtnl(void)
{
	ASSERT_RTNL();
}

__rnetvirt_helper struct net *
rnetvirt_helper_rtnl_newlink_peer_net(struct rtnl_newlink_params *params)
{
	return rtnl_newlink_peer_net(params);
}

__rnetvirt_helper void rnetvirt_helper_unregister_netdevice_queue_net(struct net *net,
								      struct net_device *dev,
								      struct list_head *head)
{
	unregister_netdevice_queue_net(net, dev, head);
}

__rnetvirt_helper int
rnetvirt_helper_nla_parse_nested_deprecated(struct nlattr **tb, int maxtype,
					    const struct nlattr *nla,
					    const struct nla_policy *policy,
					    struct netlink_ext_ack *extack)
{
	return nla_parse_nested_deprecated(tb, maxtype, nla, policy, extack);
}

/*
 * A message of a link is sent to who asks for it, by the number of his socket and with no flags changed; a
 * notification has either none (rtmsg_ifinfo_event()) or what has changed (__dev_notify_flags(),
 * unregister_netdevice_many_notify()). All messages of a dump have what the first one has.
 */
__rnetvirt_helper bool rnetvirt_helper_link_msg_is_answer(const struct sk_buff *skb)
{
	const struct nlmsghdr *nlh = nlmsg_hdr(skb);
	const struct ifinfomsg *ifm = nlmsg_data(nlh);

	return nlh->nlmsg_pid && !ifm->ifi_change;
}

__rnetvirt_helper int rnetvirt_helper_nla_parse_nested(struct nlattr **tb, int maxtype,
						       const struct nlattr *nla,
						       const struct nla_policy *policy,
						       struct netlink_ext_ack *extack)
{
	return nla_parse_nested(tb, maxtype, nla, policy, extack);
}

__rnetvirt_helper struct nlattr *rnetvirt_helper_nla_nest_start_noflag(struct sk_buff *skb,
								       int attrtype)
{
	return nla_nest_start_noflag(skb, attrtype);
}

__rnetvirt_helper int rnetvirt_helper_nla_nest_end_safe(struct sk_buff *skb, struct nlattr *start)
{
	return nla_nest_end_safe(skb, start);
}

__rnetvirt_helper void rnetvirt_helper_nla_nest_cancel(struct sk_buff *skb, struct nlattr *start)
{
	nla_nest_cancel(skb, start);
}

__rnetvirt_helper void rnetvirt_helper_extack_set_msg_dev(struct netlink_ext_ack *extack,
							  const char *msg,
							  const struct net_device *dev)
{
	NL_SET_ERR_MSG_FMT(extack, "%s by %s", msg, netdev_name(dev));
}

/*
 * Whether who administers DEV, and asks now, may see OTHER: names are a namespace's own. The
 * namespace of a device that is not registered may be gone.
 */
__rnetvirt_helper bool rnetvirt_helper_netdev_may_see(const struct net_device *dev,
						      const struct net_device *other)
{
	const struct net *net = dev_net(other);

	return net_eq(net, dev_net(dev)) || (rnetvirt_helper_netdev_is_registered(other) &&
					     ns_capable_noaudit(net->user_ns, CAP_NET_ADMIN));
}

__rnetvirt_helper void rnetvirt_helper_log_kind_is_taken(const char *kind)
{
	pr_err("rnetvirt: link kind %s is taken: unload the module %s (rnetvirt-takeover does), if it is not built in\n",
	       kind, kind);
}
