// SPDX-License-Identifier: GPL-2.0

//! The generated bindings.
//!
//! `kernel::bindings` knows `net_device` and most of its neighbours only as opaque types, so this
//! module brings its own. They may be used by the abstractions only; the driver never sees them.
//! Where a type exists in both worlds (`struct module`, say) a pointer is cast once, at the border.

#![allow(
    clippy::all,
    clippy::as_underscore,
    clippy::cast_lossless,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_op_in_unsafe_fn
)]
#![cfg_attr(not(CONFIG_RUSTC_HAS_UNNECESSARY_TRANSMUTES), allow(unknown_lints))]
#![allow(unnecessary_transmutes)]

mod raw {
    use kernel::ffi;

    // What `kernel::fs` and `kernel::iov` wrap.
    pub(crate) use kernel::bindings::{
        cdev,
        file,
        inode,
        iov_iter,
        kiocb,
        poll_table_struct,
        wait_queue_entry, //
    };

    // Blocklisted by the kernel's parameters: bindgen would map them to `int` or `long`.
    type __kernel_size_t = usize;
    type __kernel_ssize_t = isize;
    type __kernel_ptrdiff_t = isize;

    include!(concat!(
        env!("RNETVIRT_OBJTREE"),
        "/rust/bindings/bindings_generated.rs"
    ));
}

mod helpers {
    use super::raw::*;
    use kernel::ffi;

    include!(concat!(
        env!("RNETVIRT_OBJTREE"),
        "/rust/bindings/bindings_helpers_generated.rs"
    ));
}

pub(crate) use helpers::*;
pub(crate) use raw::*;
