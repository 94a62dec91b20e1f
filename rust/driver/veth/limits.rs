// SPDX-License-Identifier: GPL-2.0

//! What follows for both ends from a program, and from how many queues they have.

use abstractions::net::{
    skbuff::ETH_HLEN,
    xdp::{
        XdpFeatures,
        HEADROOM,
        MAX_FRAGS,
        MAX_LINEAR, //
    },
};

/// When an end says that programs can redirect frames to it (feature `ndo-xmit`). It takes them at any time.
#[derive(Clone, Copy)]
pub(crate) enum NdoXmit {
    /// Always.
    Always,
    /// As the C driver: if packets are polled at the other end.
    IfPolled,
}

/// A tag may be in the frame, on top of the MTU.
const VLAN_HLEN: u32 = 4;

/// The largest MTU of all (`ETH_MAX_MTU`).
pub(super) const MAX_MTU: u32 = 65535;

/// What an end can do that has so many receive queues, where the other one transmits by `peer_tx` and, if
/// `peer_polls`, polls what it receives.
pub(super) fn features(ndo_xmit: NdoXmit, peer_polls: bool, rx: u32, peer_tx: u32) -> XdpFeatures {
    // Otherwise some packets would not go through a program.
    let has_program = rx >= peer_tx;
    let through = match ndo_xmit {
        NdoXmit::Always => true,
        NdoXmit::IfPolled => has_program && peer_polls,
    };
    let through = if through {
        XdpFeatures::NDO_XMIT.with(XdpFeatures::NDO_XMIT_SG)
    } else {
        XdpFeatures::NONE
    };
    if !has_program {
        return through;
    }
    through
        .with(XdpFeatures::BASIC)
        .with(XdpFeatures::REDIRECT)
        .with(XdpFeatures::RX_SG)
}

/// The largest MTU of the other end of a program.
pub(super) fn max_mtu(frags: bool) -> u32 {
    let pieces = if frags { MAX_FRAGS } else { 0 };
    (MAX_LINEAR.saturating_sub(ETH_HLEN) + pieces).min(MAX_MTU)
}

/// The longest frame, its header and a tag included, that an end with this MTU takes.
#[inline]
pub(super) fn max_frame_len(mtu: u32) -> u32 {
    mtu.saturating_add(ETH_HLEN + VLAN_HLEN)
}

/// The headroom that an end asks for: what somebody above either wants, and a program at the other.
pub(super) fn headroom(asked: u32, program: bool) -> u16 {
    let asked = u16::try_from(asked).unwrap_or(u16::MAX);
    asked.max(if program { HEADROOM } else { 0 })
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_veth_limits)]
mod tests {
    use super::*;
    use crate::cases::all;

    const THROUGH: XdpFeatures = XdpFeatures::NDO_XMIT.with(XdpFeatures::NDO_XMIT_SG);

    #[test]
    fn any_end_can_be_sent_through() {
        assert!(all(
            &[(1, 1), (1, 2), (2, 1), (4096, 1), (1, 4096)],
            |(rx, tx)| {
                let features = features(NdoXmit::Always, false, *rx, *tx);
                features.with(THROUGH) == features
            }
        ));
    }

    #[test]
    fn as_c_only_if_the_peer_polls() {
        let of = |polls, rx, tx| features(NdoXmit::IfPolled, polls, rx, tx);
        assert!(of(true, 1, 1) == features(NdoXmit::Always, true, 1, 1));
        assert!(of(false, 1, 1).with(THROUGH) == of(true, 1, 1));
        assert!(of(false, 1, 1) != of(true, 1, 1));
        assert!(of(true, 1, 2) == XdpFeatures::NONE);
    }

    #[test]
    fn programs_want_a_queue_for_each_of_the_peers() {
        let of = |rx, tx| features(NdoXmit::Always, true, rx, tx);
        assert!(all(&[(1, 1), (2, 1), (2, 2), (4096, 4096)], |(rx, tx)| {
            of(*rx, *tx).with(XdpFeatures::BASIC) == of(*rx, *tx)
        }));
        assert!(all(&[(1, 2), (2, 3), (4095, 4096)], |(rx, tx)| {
            of(*rx, *tx) == THROUGH
        }));
    }

    #[test]
    fn a_program_without_frags_wants_packets_in_a_page() {
        assert!(max_mtu(false) + ETH_HLEN <= MAX_LINEAR);
        assert!(max_mtu(false) >= 1500);
    }

    #[test]
    fn no_program_allows_more_than_any_device() {
        assert!(max_mtu(true) <= MAX_MTU);
        assert!(max_mtu(true) > max_mtu(false));
    }

    #[test]
    fn frames_may_have_a_tag() {
        assert_eq!(max_frame_len(1500), 1518);
        assert_eq!(max_frame_len(u32::MAX), u32::MAX);
    }

    #[test]
    fn the_larger_wish_for_headroom_counts() {
        assert!(all(
            &[
                (0, false, 0),
                (0, true, 256),
                (100, true, 256),
                (300, true, 300),
                (300, false, 300)
            ],
            |(asked, program, wanted)| headroom(*asked, *program) == *wanted
        ));
        assert_eq!(headroom(1 << 20, true), u16::MAX);
    }
}
