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

use crate::drops::Reason;
use abstractions::{
    chrdev::PollEvents,
    context::{
        Bh,
        Rcu, //
    },
    net::{
        drop_trace::LostPacket,
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
    /// Counts what the endpoint has lost.
    count_lost: CountLost,
    /// What readers with a header take.
    offloads: FeaturesCell,
}

/// Counts a packet that a device has lost.
type CountLost = fn(&NetDevice, LostPacket<'_>, Reason, Bh<'_>);

/// A tap as its endpoint, and files, refer to it.
pub(crate) type TapRef = Arc<Handler<Tap>>;

impl Tap {
    /// A tap for a device that is to be made, and for which `count_lost` counts.
    pub(crate) fn new(count_lost: CountLost) -> Result<TapRef> {
        Arc::pin_init(
            Handler::new(pin_init!(Self {
                attached: SockArray::new(),
                queues <- new_mutex!(KVec::new()),
                count_lost,
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
    fn enqueue(&self, queue: RcuSock<'_, Queue>, frame: UserFrame<'_>, bh: Bh<'_>) {
        let features = if queue.has_vnet_hdr() {
            ALWAYS.with(self.offloads.get())
        } else {
            ALWAYS
        };
        let frame = if frame.needs_gso(features) {
            match frame.segment(features) {
                Ok(Segmented::Whole(frame)) => frame,
                Ok(Segmented::Pieces(pieces)) => return self.enqueue_pieces(queue, pieces, bh),
                Err(frame) => return self.lose(frame, Reason::TapGso, bh),
            }
        } else if frame.has_partial_checksum() && !features.any(Features::CSUM_MASK) {
            match frame.complete_checksum() {
                Ok(frame) => frame,
                Err(frame) => return self.lose(frame, Reason::TapCsum, bh),
            }
        } else {
            frame
        };
        match queue::produce(queue, frame, bh) {
            Ok(()) => queue.wake(PollEvents::IN),
            Err(frame) => self.lose(frame, Reason::TapRing, bh),
        }
    }

    /// Puts the pieces of a frame into the ring. The reader is woken once.
    #[inline(never)]
    fn enqueue_pieces(&self, queue: RcuSock<'_, Queue>, pieces: Segments<'_>, bh: Bh<'_>) {
        let full = |segment: UserFrame<'_>| self.lose(segment, Reason::TapRing, bh);
        if queue::produce_all(queue, pieces, full, bh) {
            queue.wake(PollEvents::IN);
        }
    }

    /// Drops a frame that the endpoint has received, and counts it there.
    #[cold]
    #[inline(never)]
    fn lose(&self, frame: UserFrame<'_>, reason: Reason, bh: Bh<'_>) {
        (self.count_lost)(frame.dev(), LostPacket::from(&frame), reason, bh);
        frame.drop_reason(reason.core());
    }

    /// Counts a packet that is gone, if the device is not.
    #[cold]
    #[inline(never)]
    fn lose_gone(this: &Handler<Self>, reason: Reason, rcu: Rcu<'_>, bh: Bh<'_>) {
        if let Some(dev) = this.dev(rcu) {
            (this.count_lost)(dev, LostPacket::gone(0), reason, bh);
        }
    }

    /// A packet that the endpoint has received and counted: where it would go as one that the core
    /// begins anew with, but without that if nobody could tell.
    #[inline(never)]
    pub(crate) fn deliver<'a>(
        this: &'a Handler<Self>,
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
        match skb.into_user_frame() {
            Some(frame) => this.enqueue(queue, frame, cx.bh()),
            None => Self::lose_gone(this, Reason::TapMemory, cx.rcu(), cx.bh()),
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

impl RxHandler for Tap {
    const PASSES_ON: bool = false;

    /// A packet that the endpoint received: into a ring, or on to the device's own stack if there is no
    /// reader.
    #[inline]
    fn receive<'a>(this: &'a Handler<Self>, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a> {
        let Some(queue) = this.queue_for(&skb, cx.rcu()) else {
            return Verdict::pass(skb);
        };
        match skb.into_user_frame() {
            Some(frame) => this.enqueue(queue, frame, cx.bh()),
            None => Self::lose_gone(this, Reason::TapMemory, cx.rcu(), cx.bh()),
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
