// SPDX-License-Identifier: GPL-2.0

//! Flavors macvtap and ipvtap: instead of a stack above the device there is `/dev/tapN`, with one queue
//! or several.
//!
//! ```text
//!   receive, for the endpoint                     transmit
//!     |                                             ^
//!   a queue open? --no--> stack of the device       |  the device's queueing discipline
//!     | yes: by flow                                |
//!   cut, checksum: what the reader cannot do      what the header says is noted in the frame
//!     |                                             |
//!   ring ---full---> drop                         room for the frame
//!     |                                             |
//!     v                                             |
//!   read /dev/tapN                                write /dev/tapN
//! ```
//!
//! A device of these flavors is an endpoint of flavor macvlan or ipvlan with a [`Tap`], which decides
//! about all that the endpoint receives. How a frame gets to the endpoint, and on from it, is the other
//! flavor's business.

pub(crate) mod file;
pub(crate) mod ioctl;
mod offload;
pub(crate) mod queue;
mod steering;
mod uapi;
mod vnet_hdr;

use crate::drops::{
    Reason,
    Stats, //
};
use abstractions::{
    chrdev::PollEvents,
    context::{
        Bh,
        Rcu, //
    },
    net::{
        features::{
            Features,
            FeaturesCell, //
        },
        link::{
            ifla,
            PrivFlags,
            SetupDevice, //
        },
        netdevice::NetDevice,
        nlattr::LinkAttrs,
        notifier::Event,
        rtnl::Rtnl,
        rx_handler::{
            Deferred,
            Handler,
            RxContext,
            RxHandler,
            Verdict, //
        },
        skb_ring::SkbRing,
        skbuff::{
            ReceivedSkBuff,
            RxSkb, //
        },
        sock::{
            RcuSock,
            Sock,
            SockArray, //
        },
        user_frame::{
            Segmented,
            Segments,
            UserFrame, //
        },
    },
};
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    },
};
use queue::Queue;
use steering::steer;

/// How many queues a device can have, attached or not.
const MAX_QUEUES: usize = 256;

/// How many frames a queue holds if nobody says otherwise (`TUN_READQ_SIZE`).
const TX_QUEUE_LEN: u32 = 500;

/// What every reader takes: it need not be in one piece.
const ALWAYS: Features = Features::SG.with(Features::GSO).with(Features::FRAGLIST);

/// The queues of a device.
#[pin_data]
pub(crate) struct Tap {
    /// Those that frames are put into.
    attached: SockArray<Queue, MAX_QUEUES>,
    /// All of them, in the order in which they were opened. They change under RTNL only.
    #[pin]
    queues: Mutex<KVec<ARef<Sock<Queue>>>>,
    /// The counters of the endpoint.
    stats_of: fn(&NetDevice) -> Option<&Stats>,
    /// What readers with a header take.
    offloads: FeaturesCell,
}

/// A tap as its endpoint, and files, refer to it.
pub(crate) type TapRef = Arc<Handler<Tap>>;

impl Tap {
    /// A tap for a device that is to be made, whose counters are what `stats_of` finds.
    pub(crate) fn new(stats_of: fn(&NetDevice) -> Option<&Stats>) -> Result<TapRef> {
        Arc::pin_init(
            Handler::new(pin_init!(Self {
                attached: SockArray::new(),
                queues <- new_mutex!(KVec::new()),
                stats_of,
                offloads: FeaturesCell::new(offload::DEFAULT),
            })),
            GFP_KERNEL_ACCOUNT,
        )
    }

    // --- Receive ------------------------------------------------------------

    /// The queue that a packet belongs to: the same one for all packets of a flow, as long as queues
    /// neither come nor go.
    #[inline]
    fn queue_for<'a>(&'a self, skb: &RxSkb<'_>, rcu: Rcu<'a>) -> Option<RcuSock<'a, Queue>> {
        let index = match self.attached.len() {
            0 => return None,
            1 => 0,
            count => steer(skb.flow_hash(), || skb.rx_queue(), count),
        };
        self.attached.get(index, rcu)
    }

    /// What has to be done to a frame that the reader cannot do; then into the ring with it.
    #[inline(always)]
    fn enqueue(&self, queue: RcuSock<'_, Queue>, frame: UserFrame<'_>, bh: Bh<'_>) -> Lost {
        let features = if queue.has_vnet_hdr() {
            ALWAYS.with(self.offloads.get())
        } else {
            ALWAYS
        };
        let frame = if frame.needs_gso(features) {
            match frame.segment(features) {
                Ok(Segmented::Whole(frame)) => frame,
                Ok(Segmented::Pieces(pieces)) => return enqueue_pieces(queue, pieces, bh),
                Err(_) => return Lost(1, Reason::TapGso),
            }
        } else if frame.has_partial_checksum() && !features.any(Features::CSUM_MASK) {
            match frame.complete_checksum() {
                Ok(frame) => frame,
                Err(frame) => {
                    frame.drop_reason(Reason::TapCsum.core());
                    return Lost(1, Reason::TapCsum);
                }
            }
        } else {
            frame
        };
        let lost = put(queue, frame, bh);
        if lost == 0 {
            queue.wake(PollEvents::IN);
        }
        Lost(lost, Reason::TapRing)
    }

    /// A packet that the endpoint has received and counted: where it would go as one that the core
    /// begins anew with, but without that if nobody could tell.
    #[inline(never)]
    pub(crate) fn deliver<'a>(
        this: &'a Handler<Self>,
        stats: &Stats,
        skb: ReceivedSkBuff<'a>,
        cx: &RxContext<'a>,
    ) -> Verdict<'a> {
        if !skb.goes_to_handler(cx.rcu()) {
            return Verdict::another(skb);
        }
        // Queues come after the handler is attached, and go, by `detach`, right after it is not any more.
        let Some(queue) = skb.peek(|skb| this.queue_for(skb, cx.rcu())) else {
            return Verdict::another(skb);
        };
        let lost = match skb.into_user_frame() {
            Some(frame) => this.enqueue(queue, frame, cx.bh()),
            None => Lost(1, Reason::TapMemory),
        };
        if lost.any() {
            lost.count(stats, cx.bh());
        }
        Verdict::CONSUMED
    }

    // --- Queues -------------------------------------------------------------

    /// Adds a queue for a reader; [`EBUSY`] if there are as many as can be, [`ENODEV`] if the device is
    /// gone.
    fn open(this: &Handler<Self>, rtnl: &Rtnl) -> Result<ARef<Sock<Queue>>> {
        let dev = this.dev_rtnl(rtnl).ok_or(ENODEV)?;
        let mut queues = this.queues.lock();
        if queues.len() >= MAX_QUEUES {
            return Err(EBUSY);
        }
        let queue = Sock::new(dev.tx_queue_len(rtnl), Queue::new())?;
        queues.push(queue.clone(), GFP_KERNEL_ACCOUNT)?;
        // There are never more attached ones than there are.
        let _ = this.attached.push(queue.clone(), rtnl);
        Ok(queue)
    }

    /// Forgets a queue.
    fn close(&self, queue: &Sock<Queue>, rtnl: &Rtnl) {
        self.attached.remove(queue, rtnl);
        let mut queues = self.queues.lock();
        let at = queues
            .iter()
            .position(|other| core::ptr::eq(&**other, queue));
        drop(at.map(|at| queues.remove(at)));
    }

    /// Has frames put into the queue, or not any more. [`EINVAL`] if that is so already.
    fn attach(this: &Handler<Self>, queue: &ARef<Sock<Queue>>, on: bool, rtnl: &Rtnl) -> Result {
        if !this.is_attached() || this.attached.contains(queue, rtnl) == on {
            return Err(EINVAL);
        }
        if on {
            this.attached.push(queue.clone(), rtnl)
        } else {
            this.attached.remove(queue, rtnl);
            Ok(())
        }
    }

    /// The device of `this` has another length of queues: rings are made anew, with what was in them.
    fn resize(&self, len: u32, _rtnl: &Rtnl) -> Result {
        let queues = self.queues.lock();
        SkbRing::resize_all(queues.iter().map(|queue| queue.ring()), len)
    }

    /// The device is about to go: nothing more comes, and who waits is told so.
    pub(crate) fn detach(this: &TapRef, dev: &NetDevice, rtnl: &Rtnl) {
        if !this.is_attached() {
            return;
        }
        Handler::detach(this, dev, rtnl);
        let mut queues = this.queues.lock();
        for queue in queues.iter() {
            this.attached.remove(queue, rtnl);
            queue.shut_down_send();
            queue.wake(PollEvents::IN.with(PollEvents::GONE));
        }
        queues.clear();
    }
}

/// What a device with a tap is like, beside what it has of its flavor without: what is sent by it can
/// wait, and its packets go to the tap.
pub(crate) fn setup(dev: &mut SetupDevice<'_>, attrs: &LinkAttrs<'_>) {
    dev.clear_priv_flags(PrivFlags::NO_QUEUE.with(PrivFlags::NO_RX_HANDLER));
    if !attrs.has(&ifla::TXQLEN) {
        dev.set_tx_queue_len(TX_QUEUE_LEN);
    }
}

/// Puts a frame into the queue; how many were lost.
#[inline]
fn put(queue: RcuSock<'_, Queue>, frame: UserFrame<'_>, bh: Bh<'_>) -> u32 {
    match queue::produce(queue, frame, bh) {
        Ok(()) => 0,
        Err(frame) => {
            frame.drop_reason(Reason::TapRing.core());
            1
        }
    }
}

/// Puts the pieces of a frame into the ring; how many were lost. The reader is woken once.
#[inline(never)]
fn enqueue_pieces(queue: RcuSock<'_, Queue>, pieces: Segments<'_>, bh: Bh<'_>) -> Lost {
    let mut lost = 0u32;
    let full = |segment: UserFrame<'_>| {
        lost = lost.wrapping_add(1);
        segment.drop_reason(Reason::TapRing.core());
    };
    if queue::produce_all(queue, pieces, full, bh) {
        queue.wake(PollEvents::IN);
    }
    Lost(lost, Reason::TapRing)
}

/// How many frames of a packet were lost, and why.
struct Lost(u32, Reason);

impl Lost {
    #[inline(always)]
    fn any(&self) -> bool {
        self.0 != 0
    }

    #[cold]
    fn count(self, stats: &Stats, bh: Bh<'_>) {
        (0..self.0).for_each(|_| stats.lost(self.1, bh));
    }
}

/// Counts frames that were received and lost.
#[cold]
fn count_lost(this: &Handler<Tap>, lost: Lost, cx: &RxContext<'_>) {
    if let Some(stats) = this.dev(cx.rcu()).and_then(this.stats_of) {
        lost.count(stats, cx.bh());
    }
}

impl RxHandler for Tap {
    const PASSES_ON: bool = false;

    /// A packet that the endpoint received: into a ring, or on to the device's own stack if there is no
    /// reader.
    #[inline]
    fn receive<'a>(this: &'a Handler<Self>, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a> {
        let Some(queue) = this.queue_for(&skb, cx.rcu()) else {
            return Verdict::pass(skb);
        };
        let lost = match skb.into_user_frame() {
            Some(frame) => this.enqueue(queue, frame, cx.bh()),
            None => Lost(1, Reason::TapMemory),
        };
        if lost.any() {
            count_lost(this, lost, cx);
        }
        Verdict::CONSUMED
    }

    fn deferred<'a>(
        _this: &'a Handler<Self>,
        _skb: &RxSkb<'a>,
        _note: [u64; 2],
        _cx: &Deferred<'a>,
    ) {
    }
}

/// Something happened to a device, which may have a tap.
pub(crate) fn event(event: Event, dev: &NetDevice, rtnl: &Rtnl) -> Result {
    match Handler::<Tap>::of(dev, rtnl) {
        Some(tap) if event == Event::CHANGE_TX_QUEUE_LEN => {
            tap.resize(dev.tx_queue_len(rtnl), rtnl)
        }
        _ => Ok(()),
    }
}
