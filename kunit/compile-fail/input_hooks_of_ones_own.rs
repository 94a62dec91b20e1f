// misuse: E0200
//! The hooks of a handler are what `module_links!` makes, and no other ones.
#![forbid(unsafe_code)]

use abstractions::net::ip_input::{
    Declared,
    Hooks, //
};

pub struct Deaf;

pub fn hooks_of<T: Declared>() -> &'static Hooks<T> {
    T::hooks()
}

#[cfg(misuse)]
impl Declared for Deaf {
    fn hooks() -> &'static Hooks<Self> {
        loop {}
    }
}
