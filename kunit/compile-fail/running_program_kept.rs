// misuse: E0277
//! No reference can be had of a program that packets go through: the last one may be gone.
#![forbid(unsafe_code)]

use abstractions::{
    context::Rcu,
    net::xdp::{
        ProgPtr,
        XdpProg, //
    },
};
use kernel::sync::aref::ARef;

pub fn keep(prog: &ProgPtr, rcu: Rcu<'_>) -> Option<ARef<XdpProg>> {
    let running = prog.get(rcu)?;
    let _ = running;
    #[cfg(misuse)]
    return Some(ARef::<XdpProg>::from(running));
    #[cfg(not(misuse))]
    None
}
