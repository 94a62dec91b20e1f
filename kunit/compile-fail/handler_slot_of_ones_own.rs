// misuse: E0200
//! A handler's slot is what `module_links!` makes, and no other one.
#![forbid(unsafe_code)]

use abstractions::net::rx_handler::{
    Declared,
    Slot, //
};

pub struct Deaf;

pub fn slot_of<T: Declared>() -> &'static Slot<T> {
    T::slot()
}

#[cfg(misuse)]
impl Declared for Deaf {
    fn slot() -> &'static Slot<Self> {
        loop {}
    }
}
