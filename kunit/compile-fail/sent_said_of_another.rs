// misuse: E0277
//! What became of a packet is not kept for another one, which the core would take for the first.
#![forbid(unsafe_code)]

use abstractions::net::net_device_ops::Tx;

#[cfg(misuse)]
fn keep(_: impl Send) {}

pub fn sent() -> Tx {
    #[cfg(misuse)]
    keep(Tx::SENT);
    Tx::SENT
}
