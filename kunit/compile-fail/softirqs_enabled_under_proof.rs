// misuse: E0277
//! What runs with softirqs disabled cannot enable them.
#![forbid(unsafe_code)]

use abstractions::{
    context::{
        disable_bh,
        with_softirqs_disabled, //
    },
    net::stats::StackedStats,
};

pub fn count(stats: &StackedStats) {
    let guard = disable_bh();
    with_softirqs_disabled(move |bh| {
        #[cfg(misuse)]
        drop(guard);
        stats.count_tx(1, bh);
    });
}
