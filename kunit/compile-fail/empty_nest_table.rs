// misuse, in use: E0080
//! The parser clears one entry more than the highest number says.
#![forbid(unsafe_code)]

use abstractions::net::nlattr::{
    Attr,
    ExtAck,
    NestTable,
    PolicyTable, //
};
use kernel::prelude::*;

#[cfg(misuse)]
const COUNT: usize = 0;
#[cfg(not(misuse))]
const COUNT: usize = 1;

static POLICY: PolicyTable<COUNT> = PolicyTable::new();

pub fn parse(attr: Attr<'_>, ack: &mut ExtAck<'_>) -> Result {
    NestTable::<COUNT>::parse(attr, &POLICY, ack).map(|_| ())
}
