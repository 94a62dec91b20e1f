// misuse: E0308
//! Receivers do not nest: only a worker has packets received here and now.
#![forbid(unsafe_code)]

use abstractions::{
    context::Bh,
    net::{
        rx_handler::{
            Deferred,
            RxContext, //
        },
        skbuff::ReceivedSkBuff,
    },
};

pub fn receive(skb: ReceivedSkBuff<'_>, worker: &Deferred<'_>, cx: &RxContext<'_>, bh: Bh<'_>) {
    let _ = cx;
    #[cfg(not(misuse))]
    skb.netif_receive(worker, bh);
    #[cfg(misuse)]
    {
        let _ = worker;
        skb.netif_receive(cx, bh);
    }
}
