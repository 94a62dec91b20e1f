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
