// misuse: E0200
//! The hooks of a handler are what `module_links!` makes, and no other ones.
#![forbid(unsafe_code)]

use abstractions::net::ip_input::{
    DeclaredInput,
    Hooks, //
};

pub struct Deaf;

pub fn hooks_of<T: DeclaredInput>() -> &'static Hooks<T> {
    T::hooks()
}

#[cfg(misuse)]
impl DeclaredInput for Deaf {
    fn hooks() -> &'static Hooks<Self> {
        loop {}
    }
}
