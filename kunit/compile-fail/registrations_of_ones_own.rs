// misuse: E0133
//! Only `module_links!` registers, and the module's end unregisters.
#![forbid(unsafe_code)]

use abstractions::registration::{
    List,
    Registrations, //
};
use kernel::prelude::*;

static LIST: List = List::new(&[]);

pub fn register() -> Result {
    let _: &List = &LIST;
    #[cfg(misuse)]
    drop(Registrations::new(&LIST)?);
    Ok(())
}
