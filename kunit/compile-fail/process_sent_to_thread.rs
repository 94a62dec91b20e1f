// misuse: E0277
//! That this is a process is not to be kept for a softirq.
#![forbid(unsafe_code)]

use abstractions::context::Process;

fn is_send<T: Send>() {}

pub fn sent() {
    is_send::<u32>();
    #[cfg(misuse)]
    is_send::<Process<'_>>();
}
