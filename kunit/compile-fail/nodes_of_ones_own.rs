// misuse: E0603
//! Only `module_links!` registers nodes, and the module's end takes them away.
#![forbid(unsafe_code)]

#[cfg(not(misuse))]
use abstractions::chrdev::CharFile;
#[cfg(misuse)]
use abstractions::chrdev::{
    CharFile,
    Registration, //
};
use kernel::prelude::*;

pub fn nodes<T: CharFile>() -> Result {
    #[cfg(misuse)]
    let _ = KBox::pin_init(Registration::<T>::new()?, GFP_KERNEL)?;
    Ok(())
}
