// misuse, in use: E0080
//! The data of a socket goes in a softirq, where dropping might sleep: there must be nothing to drop.
#![forbid(unsafe_code)]

use abstractions::net::sock::{
    Sock,
    SockData, //
};
use kernel::prelude::*;

module! {
    type: Module,
    name: "case",
    authors: ["The rnetvirt developers"],
    description: "A case",
    license: "GPL v2",
}

struct Module;

impl kernel::Module for Module {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        make()?;
        Ok(Self)
    }
}

#[cfg(misuse)]
struct Data(KVec<u8>);
#[cfg(not(misuse))]
struct Data(u8);

impl SockData for Data {
    type OwnerModule = Module;
    const NAME: &'static CStr = c"case";
}

fn make() -> Result {
    #[cfg(misuse)]
    let data = Data(KVec::new());
    #[cfg(not(misuse))]
    let data = Data(0);
    let sock = Sock::new(1, data)?;
    let _ = &sock.0;
    Ok(())
}
