// SPDX-License-Identifier: GPL-2.0

//! An open `/dev/tapN`: a queue, its reader and its writer.

use super::{
    queue::{
        self,
        Queue, //
    },
    vnet_hdr::{
        is_possible,
        linear_len,
        Endian, //
    },
    Tap,
    TapRef, //
};
use crate::drops::Reason;
use abstractions::{
    chrdev::PollEvents,
    context::{
        disable_bh,
        Process,
        Rcu, //
    },
    net::{
        rtnl::Rtnl,
        skbuff::ETH_HLEN,
        sock::Sock,
        user_frame::{
            zero_iter,
            QueuedFrame,
            VnetHdr,
            VNET_HDR_LEN, //
        },
    },
};
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    },
};
use zerocopy::FromZeros;

/// Where a VLAN tag belongs: behind the two addresses.
const VLAN_OFFSET: usize = 12;

/// An open file.
pub(crate) struct TapFile {
    pub(super) queue: ARef<Sock<Queue>>,
    pub(super) tap: TapRef,
}

impl TapFile {
    /// The next frame; [`ENODEV`] when there is none and the device is gone.
    #[inline]
    fn next_frame(&self, nonblock: bool, process: Process<'_>) -> Result<QueuedFrame> {
        match queue::consume(&self.queue, process) {
            Some(frame) => Ok(frame),
            None => self.wait_for_frame(nonblock, process),
        }
    }

    #[inline(never)]
    fn wait_for_frame(&self, nonblock: bool, process: Process<'_>) -> Result<QueuedFrame> {
        self.queue.wait_for(nonblock, || {
            let frame = queue::consume(&self.queue, process);
            if frame.is_none() && !self.tap.is_attached() {
                // The last ones may have come in between.
                return Some(queue::consume(&self.queue, process).ok_or(ENODEV));
            }
            frame.map(Ok)
        })?
    }

    /// Writes a frame to user space, cut to the room that there is; how many bytes it were without that.
    #[inline(always)]
    fn put(&self, frame: &QueuedFrame, to: &mut IovIterDest<'_>) -> Result<usize> {
        let room = to.len();
        let mut len = frame.len();
        if let Some((hdr_len, endian)) = self.queue.vnet_hdr() {
            if room < hdr_len {
                return Err(EINVAL);
            }
            let hdr = frame.vnet_hdr(endian == Endian::Little)?;
            if to.copy_to_iter(hdr.as_bytes()) != VNET_HDR_LEN {
                return Err(EFAULT);
            }
            if hdr_len > VNET_HDR_LEN {
                zero_iter(to, hdr_len - VNET_HDR_LEN)?;
            }
            len = len.wrapping_add(hdr_len);
        }
        match frame.vlan_tag() {
            None => frame.copy_to_iter(0, frame.len(), to)?,
            Some(tag) => {
                Self::put_tagged(frame, &tag, to)?;
                len = len.wrapping_add(tag.len());
            }
        }
        Ok(len)
    }

    /// The same for the frame itself, with a VLAN tag.
    #[cold]
    fn put_tagged(frame: &QueuedFrame, tag: &[u8; 4], to: &mut IovIterDest<'_>) -> Result {
        frame.copy_to_iter(0, VLAN_OFFSET, to)?;
        let room = to.len().min(tag.len());
        if to.copy_to_iter(tag) != room {
            return Err(EFAULT);
        }
        frame.copy_to_iter(VLAN_OFFSET, frame.len().saturating_sub(VLAN_OFFSET), to)
    }

    /// The one way in for frames of user space.
    #[inline(always)]
    fn send(&self, from: &mut IovIterSource<'_>, nonblock: bool) -> Result {
        let mut hdr = None;
        let mut linear = 0;
        if let Some((hdr_len, endian)) = self.queue.vnet_hdr() {
            let (bytes, len) = read_hdr(from, hdr_len, endian)?;
            linear = len.into();
            hdr = Some((bytes, endian == Endian::Little));
        }
        let len = from.len();
        if len < ETH_HLEN as usize {
            return Err(EINVAL);
        }
        let room = self.queue.alloc_frame(len, linear, nonblock);
        // Nobody sends by a device that is gone.
        let room = room.map_err(|err| if err == EPIPE { ENODEV } else { err })?;
        let frame = room.fill(from)?;
        let section = rcu::read_lock();
        let rcu = Rcu::new(&section);
        let dev = self.tap.dev(rcu).ok_or(ENODEV)?;
        frame.queue_xmit(dev, hdr.as_ref().map(|(hdr, little)| (hdr, *little)), rcu)
    }

    /// Counts a frame that did not get as far as the device.
    #[cold]
    fn count_tx_dropped(&self) {
        let section = rcu::read_lock();
        Tap::lose_gone(
            &self.tap,
            Reason::TxWrite,
            Rcu::new(&section),
            disable_bh().bh(),
        );
    }
}

/// Takes the header in front of a frame, and how many bytes of headers the frame has.
#[inline]
fn read_hdr(
    from: &mut IovIterSource<'_>,
    hdr_len: usize,
    endian: Endian,
) -> Result<(VnetHdr, u16)> {
    if from.len() < hdr_len {
        return Err(EINVAL);
    }
    let mut hdr = VnetHdr::new_zeroed();
    if from.copy_from_iter(hdr.as_mut_bytes()) != VNET_HDR_LEN {
        return Err(EFAULT);
    }
    let linear = linear_len(&mut hdr, endian);
    if usize::from(linear) > from.len() || !is_possible(&hdr, endian) {
        return Err(EINVAL);
    }
    from.advance(hdr_len.saturating_sub(VNET_HDR_LEN));
    Ok((hdr, linear))
}

impl TapFile {
    /// Opens a queue of `tap`.
    pub(crate) fn new(tap: &TapRef, rtnl: &Rtnl) -> Result<Self> {
        Ok(Self {
            queue: Tap::open(tap, rtnl)?,
            tap: tap.clone(),
        })
    }

    pub(crate) fn queue(&self) -> &ARef<Sock<Queue>> {
        &self.queue
    }

    /// Takes the queue away from the tap.
    pub(crate) fn leave(&self, rtnl: &Rtnl) {
        self.tap.close(&self.queue, rtnl);
    }

    /// Drops what is in the queue, into which nobody puts anything any more.
    pub(crate) fn drain(&self, process: Process<'_>) {
        while let Some(frame) = queue::consume(&self.queue, process) {
            drop(frame);
        }
    }

    /// Reads a frame, cut to the room that there is; how many bytes it were without that.
    // Of its two callers one is a packet's path.
    #[inline(always)]
    pub(crate) fn read_frame(
        &self,
        to: &mut IovIterDest<'_>,
        nonblock: bool,
        process: Process<'_>,
    ) -> Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        let frame = self.next_frame(nonblock, process)?;
        let len = self.put(&frame, to)?;
        frame.consume();
        Ok(len)
    }

    /// Writes a frame.
    #[inline(always)]
    pub(crate) fn write_frame(
        &self,
        from: &mut IovIterSource<'_>,
        nonblock: bool,
    ) -> Result<usize> {
        let len = from.len();
        match self.send(from, nonblock) {
            Ok(()) => Ok(len),
            Err(err) => {
                self.count_tx_dropped();
                Err(err)
            }
        }
    }

    /// What can be done without waiting.
    pub(crate) fn ready(&self, process: Process<'_>) -> PollEvents {
        let can_write = self.queue.is_writable();
        let gone = if self.tap.is_attached() {
            PollEvents::NONE
        } else {
            PollEvents::GONE
        };
        let input = if queue::is_empty(&self.queue, process) {
            gone
        } else {
            PollEvents::READABLE.with(gone)
        };
        if can_write {
            input.with(PollEvents::WRITABLE)
        } else {
            input
        }
    }
}
