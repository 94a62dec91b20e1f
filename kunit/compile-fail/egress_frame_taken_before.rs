// misuse: E0507
//! What a device is about to send goes on or is taken: who is asked which has it lent.
#![forbid(unsafe_code)]

use abstractions::{
    module_links,
    net::{
        net_device_ops::XmitContext,
        rtnl::Rtnl,
        rx_handler::{
            Deferred,
            Egress,
            Handler,
            RxContext,
            RxHandler,
            Verdict, //
        },
        skbuff::{
            EthFrame,
            RxSkb, //
        },
    },
};
use kernel::prelude::*;

module_links! {
    type: Module,
    handlers: [Deaf],
    name: "case",
    license: "GPL",
}

pub struct Deaf;

impl RxHandler for Deaf {
    const PASSES_ON: bool = false;

    fn receive<'a>(_this: &'a Handler<Self>, skb: RxSkb<'a>, _cx: &RxContext<'a>) -> Verdict<'a> {
        Verdict::pass(skb)
    }

    fn deferred<'a>(
        _this: &'a Handler<Self>,
        _skb: &RxSkb<'a>,
        _note: [u64; 2],
        _cx: &Deferred<'a>,
    ) {
    }
}

impl Egress for Deaf {
    type Taker<'a> = ();

    fn taker<'a>(_: &'a Handler<Self>, frame: &EthFrame<'_>, _: &XmitContext<'a>) -> Option<()> {
        #[cfg(misuse)]
        drop((*frame).into_skb());
        frame.dest().is_multicast().then_some(())
    }

    fn take(_: (), frame: EthFrame<'_>, _: &XmitContext<'_>) {
        drop(frame);
    }
}

pub fn hook(handler: &Handler<Deaf>, rtnl: &Rtnl) -> Result {
    handler.make_mark(rtnl)?;
    handler.hook_egress(rtnl)
}
