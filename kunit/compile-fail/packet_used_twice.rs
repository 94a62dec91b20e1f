// misuse: E0382
//! A packet that was given away is not used any more.
#![forbid(unsafe_code)]

use abstractions::{
    context::Bh,
    net::{
        netdevice::NetDevice,
        skbuff::SkBuff, //
    },
};

pub fn send(skb: SkBuff<'_>, lower: &NetDevice, bh: Bh<'_>) -> u32 {
    let len = skb.len();
    let _ = skb.queue_xmit(lower, bh);
    #[cfg(misuse)]
    let len = skb.len();
    len
}
