// misuse: E0200
//! A handler's type is what `module_links!` makes, and no other one.
#![forbid(unsafe_code)]

use abstractions::net::rx_handler::{
    Declared,
    HandlerType, //
};

pub struct Deaf;

pub fn type_of<T: Declared>() -> &'static HandlerType<T> {
    T::handler_type()
}

#[cfg(misuse)]
impl Declared for Deaf {
    fn handler_type() -> &'static HandlerType<Self> {
        loop {}
    }
}
