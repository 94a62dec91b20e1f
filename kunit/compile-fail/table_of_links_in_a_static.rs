// misuse: E0015
//! A table that is never dropped would keep its devices for ever.
#![forbid(unsafe_code)]

use abstractions::net::link_table::LinkTable;

pub fn table<T>() -> LinkTable<T> {
    LinkTable::new()
}

#[cfg(misuse)]
static TABLE: LinkTable<u32> = LinkTable::new();
