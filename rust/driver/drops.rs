// SPDX-License-Identifier: GPL-2.0

//! What an endpoint counts: packets, and those that were lost, each with a reason.
//!
//! Whatever is not delivered is counted by [`Stats::count_lost`], which wants a reason: a loss without one does
//! not compile.

use crate::uapi::{
    self,
    DROP_NAMES, //
};
use abstractions::{
    context::Bh,
    net::{
        link::ifla,
        nlattr::{
            total_size,
            AttrWriter,
            Field,
            U64, //
        },
        pcpu_counters::PcpuCounters,
        skbuff::DropReason,
        stats::{
            LinkStats64,
            StackedStats, //
        },
    },
};
use kernel::prelude::*;

/// Why a packet was lost. Its number is its place in [`DROP_NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Reason {
    /// Without a whole Ethernet header.
    TxShort,
    /// For a sibling that the sender does not talk to.
    TxIsolated,
    /// To a group, in a mode whose packets are routed.
    TxGroup,
    /// From an address of somebody else.
    TxSource,
    /// For the host, which does not trust the sender.
    TxHost,
    /// The lower device, or the routes of its namespace, did not take it.
    TxLower,
    /// Written to the tap, and not fit for the device.
    TxWrite,
    /// The endpoint was down, or the packet longer than its MTU.
    RxRefused,
    /// This CPU's backlog was full.
    RxBacklog,
    /// No memory for a copy.
    RxMemory,
    /// The reader's ring was full.
    TapRing,
    /// Its checksum could not be computed for the reader.
    TapCsum,
    /// It could not be cut for the reader.
    TapGso,
    /// No memory to make it one for the reader.
    TapMemory,
    /// Flow control, which is the lower device's business.
    Pause,
    /// No room to wait for copies: siblings did not get theirs.
    Copies,
    /// From a sibling, and this CPU's backlog was full.
    Backlog,
    /// The guard: from another MAC address.
    TxGuardMac,
    /// From another IP address.
    TxGuardIp,
    /// ARP or the like that says what is another one's.
    TxGuardArp,
    /// From a router.
    TxGuardRa,
    /// From a DHCP server, or something like that.
    TxGuardDhcp,
    /// What it is cannot be seen, or is none of what may be sent.
    TxGuardFrame,
    /// More than the endpoint may send.
    TxLimit,
    /// More to groups than it may send.
    TxLimitBroadcast,
    /// More than it may receive.
    RxLimit,
    /// A request that was answered without asking anybody.
    Suppressed,
}

/// All of them, by place.
const ALL: [Reason; Reason::COUNT] = [
    Reason::TxShort,
    Reason::TxIsolated,
    Reason::TxGroup,
    Reason::TxSource,
    Reason::TxHost,
    Reason::TxLower,
    Reason::TxWrite,
    Reason::RxRefused,
    Reason::RxBacklog,
    Reason::RxMemory,
    Reason::TapRing,
    Reason::TapCsum,
    Reason::TapGso,
    Reason::TapMemory,
    Reason::Pause,
    Reason::Copies,
    Reason::Backlog,
    Reason::TxGuardMac,
    Reason::TxGuardIp,
    Reason::TxGuardArp,
    Reason::TxGuardRa,
    Reason::TxGuardDhcp,
    Reason::TxGuardFrame,
    Reason::TxLimit,
    Reason::TxLimitBroadcast,
    Reason::RxLimit,
    Reason::Suppressed,
];

/// What comes nearest to each among the core's reasons: a table, since a reason may be known only when the packet
/// is there.
const CORE: [DropReason; Reason::COUNT] = {
    let mut core = [DropReason::NOT_SPECIFIED; Reason::COUNT];
    let mut place = 0;
    // Constants only: a place that is not there would not compile.
    #[allow(clippy::indexing_slicing)]
    while place < Reason::COUNT {
        core[place] = ALL[place].nearest();
        place += 1;
    }
    core
};

/// Which counter that everybody knows counts it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    /// `tx_dropped`.
    TxDropped,
    /// `rx_errors`, which are `rx_dropped`, too.
    RxErrors,
    /// None: the C driver counts the packet as sent, or the core counts it.
    Elsewhere,
}

impl Reason {
    const COUNT: usize = DROP_NAMES.len();

    /// Where it is in the table of names.
    #[inline]
    const fn place(self) -> usize {
        self as usize
    }

    /// What users call it.
    pub(crate) fn name(self) -> &'static CStr {
        DROP_NAMES.get(self.place()).copied().unwrap_or(c"")
    }

    #[inline]
    const fn counted(self) -> Counted {
        match self {
            Self::TxShort
            | Self::TxIsolated
            | Self::TxGroup
            | Self::TxSource
            | Self::TxHost
            | Self::TxLower
            | Self::TxWrite
            | Self::TxGuardMac
            | Self::TxGuardIp
            | Self::TxGuardArp
            | Self::TxGuardRa
            | Self::TxGuardDhcp
            | Self::TxGuardFrame
            | Self::TxLimit
            | Self::TxLimitBroadcast => Counted::TxDropped,
            Self::RxRefused
            | Self::RxBacklog
            | Self::RxMemory
            | Self::RxLimit
            | Self::TapRing
            | Self::TapCsum
            | Self::TapGso
            | Self::TapMemory => Counted::RxErrors,
            Self::Pause | Self::Copies | Self::Backlog | Self::Suppressed => Counted::Elsewhere,
        }
    }

    /// What comes nearest among the core's reasons, whose numbers are not for modules to add to.
    #[inline]
    pub(crate) fn core(self) -> DropReason {
        CORE.get(self.place())
            .copied()
            .unwrap_or(DropReason::NOT_SPECIFIED)
    }

    const fn nearest(self) -> DropReason {
        match self {
            Self::TxShort => DropReason::TOO_SMALL,
            Self::TxIsolated | Self::TxHost => DropReason::DEV_READY,
            Self::TxGroup | Self::Pause => DropReason::UNHANDLED_PROTO,
            Self::TxSource | Self::TxGuardIp => DropReason::IP_SOURCE,
            Self::TapRing => DropReason::FULL_RING,
            Self::TapCsum => DropReason::CSUM,
            Self::TapGso => DropReason::GSO_SEG,
            Self::Copies => DropReason::BROADCAST_BACKLOG,
            Self::TxLimit | Self::TxLimitBroadcast | Self::RxLimit => DropReason::QDISC_DROP,
            _ => DropReason::NOT_SPECIFIED,
        }
    }
}

/// What an endpoint has sent and received, and what was lost.
pub(crate) struct Stats {
    packets: StackedStats,
    lost: PcpuCounters<{ Reason::COUNT }>,
}

impl Stats {
    /// Counters at zero; [`ENOMEM`].
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            packets: StackedStats::new()?,
            lost: PcpuCounters::new()?,
        })
    }

    /// Counts a received packet of `len` bytes, its Ethernet header included.
    #[inline(always)]
    pub(crate) fn count_rx(&self, len: u32, to_group: bool, bh: Bh<'_>) {
        self.packets.count_rx(len, to_group, bh);
    }

    /// Counts a transmitted packet of `len` bytes.
    #[inline(always)]
    pub(crate) fn count_tx(&self, len: u32, bh: Bh<'_>) {
        self.packets.count_tx(len, bh);
    }

    /// Counts a packet that was lost.
    pub(crate) fn count_lost(&self, reason: Reason, bh: Bh<'_>) {
        match reason.counted() {
            Counted::TxDropped => self.packets.count_tx_dropped(bh),
            Counted::RxErrors => self.packets.count_rx_error(bh),
            Counted::Elsewhere => {}
        }
        self.lost.add(reason.place(), 1, bh);
    }

    /// Adds what everybody knows.
    pub(crate) fn add_to(&self, stats: &mut LinkStats64) {
        stats.add_stacked(&self.packets);
    }

    /// How many packets were lost, by the place of the reason in [`DROP_NAMES`].
    pub(crate) fn all_lost(&self) -> [u64; Reason::COUNT] {
        core::array::from_fn(|place| self.lost.sum(place))
    }

    /// Room for what [`fill`](Self::fill) writes.
    pub(crate) const ATTRS_SIZE: usize = total_size(8).saturating_mul(Reason::COUNT);

    /// Writes what was lost; nothing if nothing was.
    pub(crate) fn fill(&self, msg: &mut AttrWriter<'_>) -> Result {
        let lost = self.all_lost();
        if lost.iter().all(|count| *count == 0) {
            return Ok(());
        }
        msg.put_nest_noflag(&ifla::INFO_XSTATS, |msg| {
            for (place, count) in lost.iter().enumerate().filter(|(_, count)| **count != 0) {
                msg.put_u64(&Field::<U64>::new(uapi::drop_attr(place)), *count)?;
            }
            Ok(())
        })
    }
}

#[cfg(rnetvirt_kunit)]
#[kunit_tests(rnetvirt_drops)]
mod tests {
    use super::*;
    use crate::cases::all;
    use abstractions::context::disable_bh;

    fn name(reason: Reason) -> &'static [u8] {
        reason.name().to_bytes()
    }

    #[test]
    fn each_reason_has_a_place_of_its_own() {
        assert!(all(ALL.into_iter().enumerate(), |(place, reason)| {
            reason.place() == *place
        }));
    }

    #[test]
    fn each_reason_has_a_name_of_its_own() {
        assert!(all(ALL, |reason| {
            ALL.into_iter()
                .filter(|other| name(*other) == name(*reason))
                .count()
                == 1
        }));
    }

    #[test]
    fn ethtool_has_room_for_the_names() {
        assert!(all(ALL, |reason| (1..=31).contains(&name(*reason).len())));
    }

    #[test]
    fn the_name_says_which_counter_counts_it_too() {
        assert!(all(ALL, |reason| {
            let counted = if name(*reason).starts_with(b"tx_") {
                Counted::TxDropped
            } else if name(*reason).starts_with(b"rx_") || name(*reason).starts_with(b"tap_") {
                Counted::RxErrors
            } else {
                Counted::Elsewhere
            };
            reason.counted() == counted
        }));
    }

    #[test]
    fn a_loss_is_counted_under_its_reason_and_no_other() {
        let Ok(stats) = Stats::new() else {
            return;
        };
        for (n, reason) in (1u64..).zip(ALL) {
            for _ in 0..n {
                stats.count_lost(reason, disable_bh().bh());
            }
        }
        let lost = stats.all_lost();
        assert!(all((1u64..).zip(ALL), |(n, reason)| {
            lost.get(reason.place()) == Some(n)
        }));
    }
}
