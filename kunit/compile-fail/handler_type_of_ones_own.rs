// misuse: E0200
//! A handler's type is what `module_links!` makes, and no other one.
#![forbid(unsafe_code)]

use abstractions::net::rx_handler::{
    DeclaredHandler,
    HandlerType, //
};

pub struct Deaf;

pub fn type_of<T: DeclaredHandler>() -> &'static HandlerType<T> {
    T::handler_type()
}

#[cfg(misuse)]
impl DeclaredHandler for Deaf {
    fn handler_type() -> &'static HandlerType<Self> {
        loop {}
    }
}
