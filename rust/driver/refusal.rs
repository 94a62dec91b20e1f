// SPDX-License-Identifier: GPL-2.0

//! Why requests are refused: each error with a text for the user, once.
//!
//! Refusing is `Err(ack.refuse(Refusal::…))`. `Documentation/netlink.md` has these as tables, which
//! `scripts/check/refusals.py` makes of this file: a line `// --- Title` begins a table, and the comment
//! of a refusal is the column "when".

use abstractions::net::nlattr::{
    Reason,
    MAX_MSG_LEN, //
};
use kernel::{
    error::code::*,
    prelude::*, //
};

/// Declares [`Refusal`] from lines `Name: errno, text;`.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $err:ident, $text:literal;)*) => {
        /// Why a request is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Refusal {
            $($(#[$doc])* $name,)*
        }

        impl Refusal {
            #[cfg(rnetvirt_kunit)]
            const ALL: &'static [Self] = &[$(Self::$name,)*];
        }

        impl Reason for Refusal {
            fn error(self) -> Error {
                match self {
                    $(Self::$name => $err,)*
                }
            }

            fn text(self) -> &'static CStr {
                match self {
                    $(Self::$name => const {
                        assert!($text.count_bytes() <= MAX_MSG_LEN, "longer than is shown");
                        $text
                    },)*
                }
            }
        }
    };
}

refusals! {
    // --- All flavors

    /// `IFLA_RNETVIRT_FLAVOR` above 4
    UnknownFlavor: EINVAL, c"unknown flavor";
    /// `IFLA_LINK` with flavor veth
    VethHasNoLower: EINVAL, c"flavor veth has no lower device; leave out 'link'";
    /// attribute 3 with flavor veth
    VethHasNoMacvlan: EINVAL, c"flavor veth does not have the settings of flavor macvlan";
    /// attribute 4 or 5 with flavor veth
    VethHasNoIpvlan: EINVAL, c"flavor veth does not have the settings of flavor ipvlan";
    /// attribute 1 with flavor macvlan
    MacvlanHasNoPeer: EINVAL, c"flavor macvlan has no peer; leave out 'peer'";
    /// attribute 4 or 5 with flavor macvlan
    MacvlanHasNoIpvlan: EINVAL, c"flavor macvlan does not have the settings of flavor ipvlan";
    /// attribute 1 with flavor ipvlan
    IpvlanHasNoPeer: EINVAL, c"flavor ipvlan has no peer; leave out 'peer'";
    /// attribute 3 with flavor ipvlan
    IpvlanHasNoMacvlan: EINVAL, c"flavor ipvlan does not have the settings of flavor macvlan";
    /// attribute 1 with flavor macvtap
    MacvtapHasNoPeer: EINVAL, c"flavor macvtap has no peer; leave out 'peer'";
    /// attribute 4 or 5 with flavor macvtap
    MacvtapHasNoIpvlan: EINVAL, c"flavor macvtap does not have the settings of flavor ipvlan";
    /// attribute 1 with flavor ipvtap
    IpvtapHasNoPeer: EINVAL, c"flavor ipvtap has no peer; leave out 'peer'";
    /// attribute 3 with flavor ipvtap
    IpvtapHasNoMacvlan: EINVAL, c"flavor ipvtap does not have the settings of flavor macvlan";
    /// change with another flavor
    FlavorIsForGood: EOPNOTSUPP, c"the flavor of a link cannot be changed";
    /// change with attribute 1, 3, 4 or 5 of another flavor
    OtherFlavor: EINVAL, c"the link is of another flavor, without such settings";
    /// `IFLA_ADDRESS` of another length
    AddressLength: EINVAL, c"address must have 6 bytes";
    /// another `IFLA_ADDRESS`
    AddressInvalid: EADDRNOTAVAIL, c"address must be unicast and not zero";
    /// at creation; later the core's own text
    MtuInvalid: EINVAL, c"mtu must be from 68 to 65535";

    // --- The guard, any flavor but veth

    /// attribute 6 with flavor veth
    VethHasNoGuard: EINVAL, c"flavor veth has no guard; its ends are for the administrator of each";
    /// `RULES` with another bit
    GuardRules: EINVAL, c"guard is any of mac (1), ip (2), arp (4), ra (8), dhcp-server (16)";
    /// `CHANGE` above 3, or a list without it
    GuardChange: EINVAL, c"the guard's list can be added to, deleted from, flushed and set";
    /// something else in the list
    GuardEntry: EINVAL, c"an entry of the guard's list is a MAC address, or IP address and prefix length";
    /// one more
    GuardIsFull: ENOSPC, c"the guard's list has up to 64 entries; use prefixes";
    /// change from another one
    GuardIsHosts: EPERM, c"the guard needs CAP_NET_ADMIN in the lower device's network namespace";

    // --- Host reach, any flavor but veth

    /// attribute 7 with flavor veth
    VethHasNoHost: EINVAL, c"flavor veth has no host to reach: put one end there";
    /// `IFLA_RNETVIRT_HOST` is another number
    Host: EINVAL, c"host is on (1) or off (0)";
    /// change from another one
    HostIsHosts: EPERM, c"host needs CAP_NET_ADMIN in the lower device's network namespace";
    /// `IFLA_RNETVIRT_HOST` 1 on a lower device with a link in mode passthru
    HostIsPassthru: EINVAL, c"mode passthru has taken all that the host receives by the lower device";
    /// `IFLA_RNETVIRT_HOST` 1, and the kernel was built without
    HostNeedsEgress: EOPNOTSUPP, c"host on needs a kernel with CONFIG_NETFILTER_EGRESS";

    // --- Limits, any flavor but veth

    /// attribute 8 with flavor veth
    VethHasNoLimits: EINVAL, c"flavor veth has no limits; use a queueing discipline";
    /// a rate or a number above that
    LimitTooHigh: EINVAL, c"limits go up to 50000000000 bytes or 200000000 packets a second";
    /// a burst, and its limit is not set
    BurstWithoutRate: EINVAL, c"a burst is of a limit, which is not set";
    /// change from another one
    LimitsAreHosts: EPERM, c"limits need CAP_NET_ADMIN in the lower device's network namespace";

    // --- Quiet floods, any flavor but veth

    /// attribute 9 with flavor veth
    VethHasNoSuppress: EINVAL, c"flavor veth has no requests to suppress: a pair has two ends";
    /// `IFLA_RNETVIRT_SUPPRESS` is another number
    Suppress: EINVAL, c"suppress is on (1) or off (0)";
    /// change from another one
    SuppressIsHosts: EPERM, c"suppress needs CAP_NET_ADMIN in the lower device's network namespace";
    /// attribute 10 with flavor veth
    VethHasNoCopies: EINVAL, c"flavor veth makes no copies: a pair has two ends";
    /// change from another one
    CopiesAreHosts: EPERM, c"copies need CAP_NET_ADMIN in the lower device's network namespace";

    // --- Flavor veth

    /// change with `IFLA_RNETVIRT_PEER`
    PeerIsForGood: EOPNOTSUPP, c"the peer cannot be changed after creation";
    /// change with neither a peer nor a flavor
    VethHasNoSettings: EOPNOTSUPP, c"flavor veth has no settings to change";
    /// an XDP program, while the link is being deleted
    XdpWithoutPeer: ENOTCONN, c"Cannot set XDP when peer is detached";
    /// an XDP program, when packets of the peer may be longer than it can do with
    XdpPeerMtu: ERANGE, c"Peer MTU is too large to set XDP; a program with frags may do";
    /// an XDP program, when some queues of the peer would not go through it
    XdpQueues: ENOSPC, c"XDP expects number of rx queues not less than peer tx queues (ethtool -L)";
    /// an XDP program, when there is no memory for the link's queues
    XdpSetup: ENOMEM, c"Setup for XDP failed";

    // --- The lower device, any flavor but veth

    /// no `IFLA_LINK`
    LowerMissing: EINVAL, c"a link of this flavor needs a lower device; name it with 'link'";
    /// no device has the ifindex that `IFLA_LINK` says
    LowerUnknown: ENODEV, c"there is no such lower device";
    /// another one
    LowerNotEthernet: EINVAL, c"the lower device must be an Ethernet device, and not the loopback";
    /// a bridge receives its packets
    LowerInBridge: EBUSY, c"the lower device is a port of a bridge; use the bridge instead";
    /// a bond does
    LowerInBond: EBUSY, c"the lower device is part of a bond; use the bond instead";
    /// a team does
    LowerInTeam: EBUSY, c"the lower device is a port of a team; use the team instead";
    /// those of the C driver
    LowerHasCMacvlan: EBUSY, c"the lower device has links of kind macvlan; delete them first";
    /// Open vSwitch receives its packets
    LowerInOpenVswitch: EBUSY, c"the lower device is a port of Open vSwitch";
    /// it has a tap of its own
    LowerIsTap: EBUSY, c"the lower device is a tap, whose packets are for who reads it";
    /// somebody else receives its packets
    LowerInUse: EBUSY, c"the lower device is in use by another driver (ipvlan, macsec or the like)";
    /// `IFF_NO_RX_HANDLER`
    LowerNotShared: EINVAL, c"the lower device lets nobody receive its packets (VRF, ipvlan or the like)";
    /// `IFLA_LINK` is a link whose own lower device is in another namespace
    LowerElsewhere: EPERM, c"CAP_NET_ADMIN is required in the network namespace of the lower device";
    /// the lower device has a link in mode passthru
    LowerIsTaken: EINVAL, c"the lower device has a link in mode passthru, which does not share it";

    // --- Flavors macvlan and macvtap

    /// at creation; later `EINVAL` without a text, or the core's own
    MtuAboveLower: EINVAL, c"mtu must not be larger than that of the lower device";
    /// mode passthru, on a lower device with links
    PassthruNeedsAll: EINVAL, c"mode passthru needs the lower device for itself, which has other links";
    /// change from or to it
    PassthruIsForGood: EINVAL, c"mode passthru is chosen when a link is made, for good";
    /// `MODE` is another number
    MacvlanMode: EINVAL, c"mode is one of private, vepa, bridge, passthru, source";
    /// `FLAGS` is another number
    MacvlanFlags: EINVAL, c"flags are nopromisc (1) and nodst (2)";
    /// `MACADDR_MODE` in another mode
    SourcesNeedMode: EINVAL, c"only mode source has a list of sources";
    /// `MACADDR_MODE` above 3
    SourceChange: EINVAL, c"the list of sources can be added to, deleted from, flushed and set";
    /// `MACADDR_MODE` 0 or 1 without `MACADDR`
    SourceMissing: EINVAL, c"which source is to be added or deleted?";
    /// `MACADDR` is of another length, or something else is in a list of it
    SourceLength: EINVAL, c"a source is an address of six bytes";
    /// `MACADDR` is another address
    SourceInvalid: EADDRNOTAVAIL, c"a source is a unicast address and not zero";
    /// `MACADDR_COUNT`
    SourceCount: EINVAL, c"the number of sources cannot be set";
    /// one more, or a list with more; what is there, or said twice, counts once
    TooManySources: ENOSPC, c"a link listens to up to 5200 sources";
    /// change to mode source, or of mode, flags or sources in it, or of `nodst` in any mode, from another one
    SourcesAreHosts: EPERM, c"mode source, nodst need CAP_NET_ADMIN in the lower device's network namespace";
    /// `BC_QUEUE_LEN` above 1000
    LongQueue: EPERM, c"bc_queue_len above 1000 needs CAP_NET_ADMIN in the initial user namespace";
    /// change of `BC_QUEUE_LEN` or `BC_CUTOFF` from another one
    PortIsHosts: EPERM, c"settings of the port need CAP_NET_ADMIN in the lower device's network namespace";

    // --- Flavors ipvlan and ipvtap

    /// `MODE` is another number
    IpvlanMode: EINVAL, c"mode is one of l2, l3, l3s";
    /// `FLAGS` is another number, also 3
    IpvlanFlags: EINVAL, c"flags are none (bridge), private (1) or vepa (2)";
    /// `IFLA_RNETVIRT_TRUST` is another number
    Trust: EINVAL, c"trust is on (1) or off (0)";
    /// change from another one
    IpvlanIsHosts: EPERM, c"mode, flags, trust need CAP_NET_ADMIN in the lower device's network namespace";
    /// the 65,534th
    TooManyLinks: ENOSPC, c"the lower device has as many links as there are numbers";
    /// 255.255.255.255 is added
    AddressIsEverybodys: EADDRNOTAVAIL, c"the address is everybody's, not a link's";
    /// an IP address is added that another link on the lower device has; followed by ` by NAME` if that is in a namespace that the requester administers
    AddressInUse: EADDRINUSE, c"the address is in use";
    /// an IP address is added that the lower device's namespace has, or that of a broadcast there, and links are not trusted
    AddressIsHosts: EADDRINUSE, c"the address is one of the lower device's network namespace";
}

#[cfg(rnetvirt_kunit)]
#[kunit_tests(rnetvirt_refusal)]
mod tests {
    use super::*;
    use crate::cases::all;

    fn bytes(refusal: Refusal) -> &'static [u8] {
        refusal.text().to_bytes()
    }

    #[test]
    fn no_two_have_the_same_text() {
        assert!(all(Refusal::ALL, |one| {
            let same = |other: &&Refusal| other.text() == one.text();
            Refusal::ALL.iter().filter(same).count() == 1
        }));
    }

    #[test]
    fn no_text_begins_as_another_one() {
        // What follows one is a name, and must not make it another one.
        assert!(all(Refusal::ALL, |one| {
            let longer = |other: &&Refusal| bytes(**other).starts_with(bytes(**one));
            Refusal::ALL.iter().filter(longer).count() == 1
        }));
    }

    #[test]
    fn a_text_is_shown_as_a_whole() {
        assert!(all(Refusal::ALL, |one| {
            (1..=MAX_MSG_LEN).contains(&bytes(**one).len())
        }));
    }

    #[test]
    fn there_is_room_for_a_name_behind_the_one_that_has_one() {
        let name = " by ".len() + 15;
        assert!(bytes(Refusal::AddressInUse).len() + name <= MAX_MSG_LEN);
    }

    #[test]
    fn texts_are_printable() {
        assert!(all(Refusal::ALL, |one| {
            bytes(**one).iter().all(|c| matches!(c, b' '..=b'~'))
        }));
    }

    #[test]
    fn texts_are_no_sentences() {
        assert!(all(Refusal::ALL, |one| {
            let text = bytes(**one);
            let ends = text
                .last()
                .is_some_and(|c| c.is_ascii_alphanumeric() || b"')?".contains(c));
            let begins = text.first().is_some_and(|c| c.is_ascii_lowercase());
            // Those about XDP are the C driver's: scripts look for them.
            let as_c = text.windows(3).any(|word| word == b"XDP");
            ends && (begins || as_c || text.starts_with(b"CAP_NET_ADMIN"))
        }));
    }

    #[test]
    fn texts_have_single_spaces() {
        assert!(all(Refusal::ALL, |one| {
            let text = bytes(**one);
            !text.windows(2).any(|two| two == b"  ") && text.trim_ascii() == text
        }));
    }

    #[test]
    fn who_may_not_is_told_which_capability_it_takes() {
        assert!(all(Refusal::ALL, |one| {
            let word = b"CAP_NET_ADMIN";
            let named = bytes(**one).windows(word.len()).any(|part| part == word);
            named == (one.error() == EPERM)
        }));
    }
}
