// SPDX-License-Identifier: GPL-2.0

//! What becomes of packets and frames that are polled, by what a program says of each.

use super::{
    bulk::{
        XdpBulk,
        BULK, //
    },
    frame::XdpFrame,
    metadata::XdpCtx,
    prog::RunningProg,
    rxq::{
        RxqInfo,
        XdpQueue, //
    },
    transport,
};
use crate::{
    bindings,
    net::{
        napi::{
            Napi,
            Poll,
            UniqueSkb, //
        },
        netdevice::NetDevice,
        ring::Entry,
        skbuff::{
            DropReason,
            ReceivedSkBuff,
            SkBuff, //
        },
        txq::TxQueue,
    },
};
use core::{
    mem::MaybeUninit,
    ptr, //
};
use kernel::prelude::*;

/// What is left to be done with a packet, after a program has said something of it.
#[must_use]
pub enum Outcome<'p> {
    /// The device has received it (`XDP_PASS`), and it is an skb.
    Pass(ReceivedSkBuff<'p>),
    /// It is to be sent back (`XDP_TX`).
    Tx(XdpFrame),
    /// Nothing: it is one of [`Done`], or it was a frame that the device has received, and goes to the stack with
    /// others.
    Done,
}

/// How many packets are no more, by what became of them.
#[derive(Default)]
pub struct Done {
    /// Sent elsewhere (`XDP_REDIRECT`).
    pub redirected: u32,
    /// Dropped: the program said so, or nothing that has a meaning.
    pub dropped: u32,
    /// Dropped for want of memory or room, or nobody took it.
    pub lost: u32,
}

/// A queue is being polled, and there may be a program that sees what comes. What was redirected is sent when the
/// polling ends.
///
/// # Context
///
/// As [`Poll`].
///
/// # Invariants
///
/// If there is a program, what others' pools get back on this CPU they do not get directly, as `Poll::begin_xdp` has
/// seen to.
pub struct XdpPoll<'r, 'p> {
    // No pointer to it is given to a function that is not built in: then its fields need not be in memory.
    poll: &'r mut Poll<'p>,
    prog: Option<RunningProg<'r>>,
    passed: &'r mut XdpBulk,
    done: Done,
}

impl<'p> Poll<'p> {
    /// Has what comes go through `prog`, if there is one. Frames that the device receives are collected in `passed`.
    #[inline]
    pub fn xdp<'r>(
        &'r mut self,
        prog: Option<RunningProg<'r>>,
        passed: &'r mut XdpBulk,
    ) -> XdpPoll<'r, 'p> {
        if prog.is_some() {
            // INVARIANT: Until the poll ends, which it cannot meanwhile.
            self.begin_xdp();
        }
        XdpPoll {
            poll: self,
            prog,
            passed,
            done: Done::default(),
        }
    }
}

impl<'p> XdpPoll<'_, 'p> {
    /// Returns the next entry; `None` if there is none, or the budget is used up.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> Option<Entry<'p>> {
        self.poll.next()
    }

    /// Does as [`Poll::charged`].
    #[inline]
    pub fn charged(&self) -> u32 {
        self.poll.charged()
    }

    /// Does as [`Poll::complete_charged`].
    #[inline]
    pub fn complete_charged(&mut self, txq: &TxQueue<'_>) -> bool {
        self.poll.complete_charged(txq)
    }

    /// Does as [`Poll::gro_receive`].
    #[inline]
    pub fn gro_receive(&mut self, skb: UniqueSkb<'p>) {
        self.poll.gro_receive(skb);
    }

    /// Does as [`Poll::netif_receive`].
    #[inline]
    pub fn netif_receive(&mut self, skb: ReceivedSkBuff<'p>) {
        self.poll.netif_receive(skb);
    }

    /// Runs the program on the entry, and does what it says.
    #[inline]
    pub fn run(&mut self, entry: Entry<'p>) -> Outcome<'p> {
        match (entry, self.prog) {
            (Entry::Skb(skb), None) => Outcome::Pass(skb),
            (Entry::Skb(skb), Some(prog)) => self.run_skb(skb, prog),
            (Entry::Frame(frame), prog) => self.run_frame(frame, prog),
        }
    }

    /// Runs the program on the packet where it is, if that may be; memory of its own it gets only when it
    /// leaves.
    #[inline]
    fn run_skb(&mut self, skb: ReceivedSkBuff<'p>, prog: RunningProg<'_>) -> Outcome<'p> {
        // SAFETY: The skb and the program are valid.
        let ready = unsafe { bindings::skb_is_xdp_ready(skb.as_ptr(), prog.as_ptr()) };
        let skb = if ready {
            skb
        } else {
            match copy(skb, self.queue(), prog) {
                Some(skb) => skb,
                None => return self.lost(),
            }
        };
        let raw = skb.as_ptr();
        // SAFETY: The packet is ours.
        let mut ctx = unsafe { XdpCtx::new(raw) };
        // The whole context: a program may ask for what is behind the buffer.
        // SAFETY: The packet is ours, nobody else has its data, and there is an Ethernet header in front of them, by the
        // type's invariants: the buffer is within its head. The program is of type XDP; softirqs are disabled, in a context
        // that BPF may use. The function writes the whole buffer, before it is run.
        let (act, ctx) = unsafe {
            let act = bindings::xdp_run_on_skb(
                prog.as_ptr(),
                ctx.as_mut_ptr().cast(),
                raw,
                // That of pieces, which a program may have freed; there are none but of a copy.
                self.rxq().of(bindings::xdp_mem_type_MEM_TYPE_PAGE_POOL),
            );
            (act, ctx.assume_init_mut())
        };
        match act {
            bindings::xdp_action_XDP_PASS => {
                // SAFETY: The buffer is of this skb; programs leave an Ethernet header at least.
                let moved =
                    unsafe { bindings::skb_from_xdp_buff(raw, &ctx.xdp, self.poll.dev().as_ptr()) };
                // SAFETY: As above; nobody else has its data.
                if moved && !unsafe { transport::look_anew(raw, &mut ctx.xdp) } {
                    unsendable(skb, self.poll.dev(), prog, act);
                    return self.lost();
                }
                Outcome::Pass(skb)
            }
            bindings::xdp_action_XDP_TX | bindings::xdp_action_XDP_REDIRECT => {
                ctx.skb = ptr::null_mut();
                let skb = skb.into_raw();
                // SAFETY: The packet is ours, and nobody else has its data. One in several pieces is a copy, whose pieces
                // are all of our pool (`skb_pp_cow_data()`); in any other there is the head alone, which is asked for what
                // it is. The memory is the buffer's from here on, if it leaves.
                let mut kind = unsafe { bindings::skb_leave_memory(skb.as_ptr()) };
                if kind == bindings::xdp_mem_type_MEM_TYPE_MAX {
                    // SAFETY: Then the packet is as it was, and ours, and the buffer is of it.
                    let taken = unsafe {
                        let skb = ReceivedSkBuff::from_skb(SkBuff::from_raw(raw));
                        take_memory(skb, &mut ctx.xdp, self.queue(), self.poll.dev(), prog, act)
                    };
                    kind = match taken {
                        Some(kind) => kind,
                        None => return self.lost(),
                    };
                }
                // SAFETY: The buffer is ours now, of that kind of memory, and the program has just run.
                unsafe { self.send(&mut ctx.xdp, kind, prog, act) }
            }
            _ => {
                self.complain(prog, act);
                skb.drop_reason(DropReason::XDP);
                self.done.dropped += 1;
                Outcome::Done
            }
        }
    }

    /// Has the program see a frame, where it is.
    #[inline]
    fn run_frame(&mut self, frame: XdpFrame, prog: Option<RunningProg<'_>>) -> Outcome<'p> {
        let Some(prog) = prog else {
            return self.pass(frame);
        };
        let raw = frame.as_ptr();
        // SAFETY: There is none.
        let mut ctx = unsafe { XdpCtx::new(ptr::null_mut()) };
        // Programs free pieces by what it says; else it matters when the frame leaves.
        let rxq = if frame.has_frags() {
            // Else it would be shown as much of it as who sends it likes.
            if !prog.has_frags() {
                return self.lost();
            }
            // SAFETY: The frame is ours.
            self.rxq().of(unsafe { bindings::xdp_frame_mem_type(raw) })
        } else {
            self.rxq().any()
        };
        // From here on the buffer has the memory, and may have less of it than the frame says.
        let _ = frame.into_raw();
        // The whole context: a program may ask for what is behind the buffer.
        // SAFETY: The frame was ours. The program is of type XDP; softirqs are disabled, in a context that BPF may use. The
        // function writes the whole buffer, before it is run.
        let (act, ctx) = unsafe {
            let act = bindings::xdp_run_on_frame(prog.as_ptr(), ctx.as_mut_ptr().cast(), raw, rxq);
            (act, ctx.assume_init_mut())
        };
        match act {
            // SAFETY: The frame lies at the beginning of the buffer, where programs do not get.
            bindings::xdp_action_XDP_PASS => unsafe {
                let updated = bindings::xdp_update_frame_from_buff(&ctx.xdp, raw);
                // Else it is as it was.
                let frame = XdpFrame::from_raw(raw);
                if updated == 0 {
                    self.pass(frame)
                } else {
                    self.lost()
                }
            },
            bindings::xdp_action_XDP_TX | bindings::xdp_action_XDP_REDIRECT => {
                // SAFETY: The frame lies at the beginning of the buffer, where programs do not get. The buffer is ours,
                // of that kind of memory, and the program has just run.
                unsafe {
                    let kind = bindings::xdp_frame_mem_type(raw);
                    self.send(&mut ctx.xdp, kind, prog, act)
                }
            }
            _ => {
                self.complain(prog, act);
                // Not by dropping an `XdpFrame`, which is for errors: a call more.
                // SAFETY: The frame is ours. It lies at the beginning of the buffer, where programs do not get, and the
                // pieces that they have left are where it has its.
                unsafe { bindings::xdp_return_frame(raw) };
                self.done.dropped += 1;
                Outcome::Done
            }
        }
    }

    /// Puts a frame to those that go to the stack, which wants a header.
    #[inline]
    fn pass(&mut self, frame: XdpFrame) -> Outcome<'p> {
        if !frame.has_header() {
            return self.lost();
        }
        if self.passed.is_full() {
            self.deliver();
        }
        match self.passed.push(frame) {
            Ok(()) => Outcome::Done,
            Err(_) => self.lost(),
        }
    }

    #[inline]
    fn lost(&mut self) -> Outcome<'p> {
        self.done.lost += 1;
        Outcome::Done
    }

    /// Sends the buffer back, or to where the program has said.
    ///
    /// # Safety
    ///
    /// The buffer must be ours and given up, its memory of that kind, and the program have run just now.
    #[inline]
    unsafe fn send(
        &mut self,
        xdp: &mut bindings::xdp_buff,
        kind: bindings::xdp_mem_type,
        prog: RunningProg<'_>,
        act: u32,
    ) -> Outcome<'p> {
        xdp.rxq = self.rxq().of(kind);
        if act == bindings::xdp_action_XDP_TX {
            // SAFETY: By the caller's guarantee.
            let frame = unsafe { bindings::xdp_convert_buff_to_frame(xdp) };
            if !frame.is_null() {
                // SAFETY: It has the buffer's memory.
                return Outcome::Tx(unsafe { XdpFrame::from_raw(frame) });
            }
            // SAFETY: The device and the program are valid.
            unsafe {
                bindings::trace_xdp_exception(self.poll.dev().as_ptr(), prog.as_ptr(), act);
            }
        } else {
            let dev = self.poll.dev().as_ptr();
            // Also if it fails: of several destinations some may have a copy by then.
            self.poll.redirected();
            // SAFETY: By the caller's guarantee. Success takes the buffer. What was collected is sent before
            // the poll ends, which was told so.
            if unsafe { bindings::xdp_do_redirect(dev, xdp, prog.as_ptr()) } == 0 {
                self.done.redirected += 1;
                return Outcome::Done;
            }
        }
        // SAFETY: It is still ours, and its queue says of what kind.
        unsafe { bindings::xdp_return_buff(xdp) };
        self.lost()
    }

    /// Tells who watches of a verdict that is none, or `XDP_ABORTED`.
    #[inline]
    fn complain(&self, prog: RunningProg<'_>, act: u32) {
        if act != bindings::xdp_action_XDP_DROP {
            complain_of(self.poll.dev(), prog, act);
        }
    }

    /// Gives the frames that were passed to the stack, as packets.
    #[inline]
    fn deliver(&mut self) {
        // SAFETY: Who polls owns the NAPI.
        self.done.lost += unsafe { deliver(self.poll.napi(), self.poll.dev(), self.passed) };
    }

    /// Ends it: what was collected goes to the stack. Returns what became of all that are no more.
    #[inline]
    pub fn finish(mut self) -> Done {
        if !self.passed.is_empty() {
            self.deliver();
        }
        self.done
    }

    #[inline]
    fn queue(&self) -> &'p XdpQueue {
        self.poll.xdp_queue()
    }

    #[inline]
    fn rxq(&self) -> &'p RxqInfo {
        &self.queue().rxq
    }
}

/// A copy that nobody else has, with room in front, in pieces if it is large and the program can do with such; `None` if
/// there is no memory, or it is too large for that, too.
#[cold]
#[inline(never)]
fn copy<'p>(
    skb: ReceivedSkBuff<'p>,
    queue: &XdpQueue,
    prog: RunningProg<'_>,
) -> Option<ReceivedSkBuff<'p>> {
    let mut raw = skb.into_raw().as_ptr();
    // SAFETY: The packet is ours, with its header in front of its data. Who owns the poll owns the pool.
    let fits = unsafe { bindings::skb_copy_for_xdp(&mut raw, queue.pool.as_ptr(), prog.as_ptr()) };
    // SAFETY: The packet, or its copy, which has as much in its first piece, is ours.
    let skb = unsafe { ReceivedSkBuff::from_skb(SkBuff::from_raw(raw)) };
    fits.then_some(skb)
}

/// Separates the buffer from its packet, whose memory does not just leave it: what was left to a later device is done,
/// which a frame cannot say; or there is a copy of the bytes. What kind of memory that is; `None` if there is none, or no
/// room, or it is to be cut.
///
/// # Safety
///
/// Nobody else may have the packet's data, and `xdp` must be what a program has made of it. In several pieces it must be a
/// copy whose memory is of `queue`'s pool. The caller must own the poll of the queue.
// Not cold: what a socket of this host sends has memory of other kinds. Without the `XdpPoll`, which is not to be in memory.
#[inline(never)]
unsafe fn take_memory(
    skb: ReceivedSkBuff<'_>,
    xdp: &mut bindings::xdp_buff,
    queue: &XdpQueue,
    dev: &NetDevice,
    prog: RunningProg<'_>,
    act: u32,
) -> Option<bindings::xdp_mem_type> {
    let raw = skb.as_ptr();
    // SAFETY: The packet is ours.
    let (is_gso, is_partial) = unsafe {
        (
            bindings::skb_is_gso(raw),
            bindings::skb_has_partial_csum(raw),
        )
    };
    if is_gso {
        unsendable(skb, dev, prog, act);
        return None;
    }
    let mut skb = skb;
    if is_partial {
        // SAFETY: By the caller's guarantee.
        unsafe { transport::complete_checksum(raw, xdp) };
        let _ = skb.into_raw();
        // SAFETY: As where it was asked first.
        let kind = unsafe { bindings::skb_leave_memory(raw) };
        if kind != bindings::xdp_mem_type_MEM_TYPE_MAX {
            return Some(kind);
        }
        // SAFETY: Then the packet is ours still.
        skb = unsafe { ReceivedSkBuff::from_skb(SkBuff::from_raw(raw)) };
    }
    let mut copy = MaybeUninit::uninit();
    // SAFETY: The buffer is valid, of one piece, since the packet is: a copy would have had memory that
    // can leave. Who owns the poll owns the pool.
    if !unsafe { bindings::xdp_buff_copy(copy.as_mut_ptr(), xdp, queue.pool.as_ptr()) } {
        return None;
    }
    // SAFETY: Just written.
    *xdp = unsafe { copy.assume_init() };
    drop(skb);
    Some(bindings::xdp_mem_type_MEM_TYPE_PAGE_POOL)
}

/// Drops a packet that is to be cut, but could not be where the program sends it, or as it has changed it.
#[cold]
#[inline(never)]
fn unsendable(skb: ReceivedSkBuff<'_>, dev: &NetDevice, prog: RunningProg<'_>, act: u32) {
    complain_of(dev, prog, act);
    skb.drop_reason(DropReason::XDP);
}

#[cold]
#[inline(never)]
fn complain_of(dev: &NetDevice, prog: RunningProg<'_>, act: u32) {
    let dev = dev.as_ptr();
    // SAFETY: The device and the program are valid.
    unsafe {
        if act > bindings::xdp_action_XDP_REDIRECT {
            bindings::bpf_warn_invalid_xdp_action(dev, prog.as_ptr(), act);
        }
        bindings::trace_xdp_exception(dev, prog.as_ptr(), act);
    }
}

/// Gives frames, each with an Ethernet header, to the stack, as packets that `dev` has received. Returns how many were
/// lost for want of memory.
///
/// # Safety
///
/// The caller must own the NAPI.
// Not with the whole `Poll`, see `XdpPoll`.
#[inline(never)]
unsafe fn deliver(napi: &Napi, dev: &NetDevice, passed: &mut XdpBulk) -> u32 {
    let dev = dev.as_ptr();
    let mut lost = 0;
    passed.drain(|frames| {
        let mut skbs = [ptr::null_mut::<c_void>(); BULK];
        // CAST: At most `BULK`.
        #[allow(clippy::cast_possible_truncation)]
        let count = frames.len() as u32;
        // SAFETY: There is room for as many. Polling is done with softirqs disabled.
        let got = unsafe { bindings::napi_skb_cache_get_bulk(skbs.as_mut_ptr(), count) } as usize;
        for (frame, skb) in frames.iter().zip(skbs.iter().take(got)) {
            // SAFETY: The frame is ours, with an Ethernet header, the skb is new, and the device valid.
            // What is made of them has both, and is set up as received. It has been nobody else's. The NAPI is ours, and
            // the device's, by the caller's guarantee.
            unsafe {
                let skb = bindings::__xdp_build_skb_from_frame(*frame, skb.cast(), dev);
                napi.gro_receive(UniqueSkb::from_skb(ReceivedSkBuff::from_skb(
                    SkBuff::from_raw(skb),
                )));
            }
        }
        for frame in frames.iter().skip(got) {
            // SAFETY: The frame is ours.
            drop(unsafe { XdpFrame::from_raw(*frame) });
            lost += 1;
        }
    });
    lost
}
