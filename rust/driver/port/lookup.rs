// SPDX-License-Identifier: GPL-2.0

//! Whose an IP address is.

use crate::{
    endpoint::Ipvlan,
    ipvlan::address::{
        of_v4,
        with_address,
        End, //
    },
    port::Port, //
};
use abstractions::{
    context::Rcu,
    net::{
        headers::ETH_P_IP,
        inet::IpAddr,
        netdevice::Link,
        payload::Payload, //
    },
};
impl Port {
    /// The endpoint that has an address, up or not.
    #[inline]
    pub(crate) fn owner_of<'a>(&'a self, addr: IpAddr, rcu: Rcu<'a>) -> Option<&'a Link<Ipvlan>> {
        match addr {
            IpAddr::V4(addr) => self.addrs4.find(addr.into(), rcu),
            IpAddr::V6(addr) => self.addrs6.find(addr, rcu),
        }
    }

    /// The endpoint whose address a packet is for, if it is up.
    #[inline(never)]
    pub(crate) fn dest_owner<'a>(
        &'a self,
        packet: Payload<'_>,
        rcu: Rcu<'a>,
    ) -> Option<&'a Link<Ipvlan>> {
        // No endpoint has addresses in a VLAN.
        if packet.is_in_vlan() {
            return None;
        }
        self.owner(packet, End::Dest, rcu)
    }

    /// As [`dest_owner`](Self::dest_owner), for what the lower device received: nothing is called for IPv4.
    #[inline(always)]
    pub(crate) fn receiver<'a>(
        &'a self,
        packet: Payload<'_>,
        rcu: Rcu<'a>,
    ) -> Option<&'a Link<Ipvlan>> {
        if packet.protocol() != ETH_P_IP || packet.is_in_vlan() {
            return self.dest_owner(packet, rcu);
        }
        let addr = of_v4(packet, End::Dest)?;
        let dev = self.addrs4.find(addr.into(), rcu)?;
        dev.is_up().then_some(dev)
    }

    /// The endpoint whose address a packet is from, if it is up.
    #[inline(never)]
    pub(crate) fn source_owner<'a>(
        &'a self,
        packet: Payload<'_>,
        rcu: Rcu<'a>,
    ) -> Option<&'a Link<Ipvlan>> {
        self.owner(packet, End::Source, rcu)
    }

    #[inline(always)]
    fn owner<'a>(
        &'a self,
        packet: Payload<'_>,
        end: End,
        rcu: Rcu<'a>,
    ) -> Option<&'a Link<Ipvlan>> {
        let dev = with_address(
            packet,
            end,
            |addr| self.addrs4.find(addr.into(), rcu),
            |addr| self.addrs6.find(addr, rcu),
        )?;
        dev.is_up().then_some(dev)
    }
}
