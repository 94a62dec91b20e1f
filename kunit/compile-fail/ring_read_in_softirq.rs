// misuse: E0308
//! What takes frames out of a ring is a process: its lock does not keep softirqs away.
#![forbid(unsafe_code)]

use abstractions::{
    context::{
        Bh,
        Process, //
    },
    net::sock::{
        RcuSock,
        SockData, //
    },
};

pub fn receive<T: SockData>(queue: RcuSock<'_, T>, process: Process<'_>, bh: Bh<'_>) -> bool {
    #[cfg(misuse)]
    drop(queue.ring().consume(bh));
    #[cfg(misuse)]
    let process = bh;
    let _ = bh;
    queue.ring().is_empty(process)
}
