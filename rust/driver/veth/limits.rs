// SPDX-License-Identifier: GPL-2.0

//! What follows for both ends from a program, and from how many queues they have.

use abstractions::net::{
    features::Features,
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

/// Whether an end with so many receive queues gets all packets by a queue, where the other one transmits by
/// `peer_tx`. Those with other numbers would go past a program.
pub(super) fn all_by_queues(rx: u32, peer_tx: u32) -> bool {
    rx >= peer_tx
}

/// How many queues are active at an end, and whether it has a program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channels {
    pub(super) tx: u32,
    pub(super) rx: u32,
    pub(super) program: bool,
}

/// Whether two ends of a pair may have these: neither sends past a program.
pub(super) fn channels_fit(own: Channels, peer: Channels) -> bool {
    let fit = |from: Channels, to: Channels| !to.program || all_by_queues(to.rx, from.tx);
    fit(own, peer) && fit(peer, own)
}

/// By which of `count` queues frames go that `cpu` sends.
#[inline]
pub(super) fn queue_of_cpu(cpu: u32, count: usize) -> u16 {
    // There is one at least.
    u16::try_from(cpu as usize % count.max(1)).unwrap_or(0)
}

/// What an end can do that has so many receive queues, where the other one transmits by `peer_tx` and polls what it
/// receives, or does not.
pub(super) fn features(ndo_xmit: NdoXmit, peer_polls: bool, rx: u32, peer_tx: u32) -> XdpFeatures {
    let through = match ndo_xmit {
        NdoXmit::Always => true,
        NdoXmit::IfPolled => peer_polls,
    };
    let through = if through {
        XdpFeatures::NDO_XMIT.with(XdpFeatures::NDO_XMIT_SG)
    } else {
        XdpFeatures::NONE
    };
    if !all_by_queues(rx, peer_tx) {
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

/// Which packets that are to be cut some day an end does not take whole, with a program that can do with pieces or not,
/// or without one. A program gets those whose copy in pieces of memory is still all there is to say of how to cut them,
/// which it is not of lists of packets, nor of what may lose a header that it has outside, if the user `asked` for it.
pub(super) fn cut(frags: Option<bool>, asked: bool) -> Features {
    match frags {
        None => Features::NONE,
        Some(true) if asked => ALL_GSO.without(WHOLE),
        Some(_) => Features::GSO_SOFTWARE,
    }
}

/// What a device can leave to others to cut.
pub(super) const ALL_GSO: Features = Features::GSO_SOFTWARE.with(Features::GSO_ENCAP_ALL);

/// Of that what programs may be shown.
const WHOLE: Features = Features::ALL_TSO
    .with(Features::GSO_ACCECN)
    .with(Features::GSO_UDP_L4);

/// The longest frame, its header and a tag included, that an end with this MTU takes.
#[inline]
pub(super) fn max_frame_len(mtu: u32) -> u32 {
    mtu.saturating_add(ETH_HLEN + VLAN_HLEN)
}

/// The headroom that an end asks for: what somebody above either wants, and what a program at the other
/// may use.
pub(super) fn headroom(asked: u32, used: bool) -> u16 {
    let asked = u16::try_from(asked).unwrap_or(u16::MAX);
    asked.max(if used { HEADROOM } else { 0 })
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
        assert!(of(true, 1, 2) == THROUGH && of(false, 1, 2) == XdpFeatures::NONE);
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
    fn nobody_sends_past_a_program() {
        let end = |tx, rx, program| Channels { tx, rx, program };
        assert!(all(
            &[
                // Without a program anything goes.
                (end(4, 1, false), end(4, 1, false), true),
                // One at the peer: what we send by, it receives by.
                (end(2, 1, false), end(1, 2, true), true),
                (end(3, 1, false), end(1, 2, true), false),
                (end(1, 1, false), end(4, 1, true), true),
                // One here: what it sends by, we receive by.
                (end(1, 2, true), end(2, 1, false), true),
                (end(1, 2, true), end(3, 1, false), false),
                // Two.
                (end(2, 3, true), end(3, 2, true), true),
                (end(2, 3, true), end(4, 2, true), false),
                (end(3, 3, true), end(3, 2, true), false),
            ],
            |(own, peer, fit)| channels_fit(*own, *peer) == *fit
                && channels_fit(*peer, *own) == *fit
        ));
    }

    #[test]
    fn a_program_may_come_where_channels_fit_with_it() {
        assert!(all(
            &[(1, 1), (1, 2), (2, 1), (4096, 4095), (4095, 4096)],
            |(rx, peer_tx)| {
                let own = Channels {
                    tx: 1,
                    rx: *rx,
                    program: true,
                };
                let peer = Channels {
                    tx: *peer_tx,
                    rx: 1,
                    program: false,
                };
                channels_fit(own, peer) == all_by_queues(*rx, *peer_tx)
            }
        ));
    }

    #[test]
    fn each_cpu_has_a_queue() {
        assert!(all(
            &[
                (0, 1, 0),
                (7, 1, 0),
                (3, 4, 3),
                (4, 4, 0),
                (4097, 4096, 1),
                (u32::MAX, 2, 1),
                // None, which there cannot be.
                (5, 0, 0)
            ],
            |(cpu, count, queue)| queue_of_cpu(*cpu, *count) == *queue
        ));
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
    fn programs_with_pieces_get_packets_whole_if_asked() {
        assert!(cut(None, false) == Features::NONE && cut(None, true) == Features::NONE);
        assert!(all(
            &[(false, false), (false, true), (true, false)],
            |(frags, asked)| cut(Some(*frags), *asked) == Features::GSO_SOFTWARE
        ));
        let asked = cut(Some(true), true);
        assert!(!asked.any(Features::ALL_TSO) && !asked.any(Features::GSO_UDP_L4));
        // What is cut as a list, or in a tunnel, is not.
        assert!(asked.with(WHOLE) == ALL_GSO && asked.any(Features::GSO_ENCAP_ALL));
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
            |(asked, used, wanted)| headroom(*asked, *used) == *wanted
        ));
        assert_eq!(headroom(1 << 20, true), u16::MAX);
    }
}
