// misuse: E0133
//! Only `module_links!` registers nodes, and the module's end takes them away.
#![forbid(unsafe_code)]

use abstractions::chrdev::{
    CharFile,
    Registration, //
};
use kernel::prelude::*;

pub fn nodes<T: CharFile>(nodes: Pin<KBox<Registration<T>>>) -> Result {
    drop(nodes);
    #[cfg(misuse)]
    let _ = KBox::pin_init(Registration::<T>::new()?, GFP_KERNEL)?;
    Ok(())
}
