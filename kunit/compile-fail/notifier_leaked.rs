// misuse: E0603 E0624
//! There is no registration that could outlive the module's code.
#![forbid(unsafe_code)]

use abstractions::net::{
    notifier::{
        self,
        Notifier, //
    },
    rtnl::Unlocked, //
};
use kernel::prelude::*;

pub fn listen<N: Notifier>(notifier: N, unlocked: &mut Unlocked) -> Result {
    let _ = &unlocked;
    #[cfg(not(misuse))]
    notifier::with(notifier, unlocked, |_, _| ())?;
    #[cfg(misuse)]
    let _ = KBox::pin_init(notifier::Registration::new(Ok(notifier)), GFP_KERNEL)?;
    Ok(())
}
