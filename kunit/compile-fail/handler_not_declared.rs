// misuse: E0277
//! A handler that no `module_links!` has could not be taken back from C.
#![forbid(unsafe_code)]

use abstractions::{
    module_links,
    net::{
        rx_handler::{
            Deferred,
            Handler,
            RxContext,
            RxHandler,
            Verdict, //
        },
        skbuff::RxSkb,
    },
};

#[cfg(not(misuse))]
module_links! {
    type: Module,
    handlers: [Deaf],
    name: "case",
    license: "GPL",
}

#[cfg(misuse)]
module_links! {
    type: Module,
    name: "case",
    license: "GPL",
}

struct Deaf;

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
