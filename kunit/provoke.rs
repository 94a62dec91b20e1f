// SPDX-License-Identifier: GPL-2.0

//! Mistakes on purpose: do the kernel's checks see them?
//!
//! Each is made when a device is registered whose name asks for it. None does harm on a kernel without
//! checks, but for 4 KiB that are lost.

use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        Mutex,
        SpinLock, //
    },
};

#[pin_data]
struct Locks {
    #[pin]
    one: Mutex<()>,
    #[pin]
    other: Mutex<()>,
    #[pin]
    spinning: SpinLock<()>,
}

/// Makes the mistake that the device `name` asks for, if any. Context: may sleep.
pub(crate) fn asked_for(name: &[u8]) -> Result {
    if !name.starts_with(b"wrong-") {
        return Ok(());
    }
    let locks = KBox::pin_init(
        pin_init!(Locks {
            one <- new_mutex!(()),
            other <- new_mutex!(()),
            spinning <- new_spinlock!(()),
        }),
        GFP_KERNEL,
    )?;
    match name {
        b"wrong-order" => {
            let one = locks.one.lock();
            drop(locks.other.lock());
            drop(one);
            let other = locks.other.lock();
            drop(locks.one.lock());
            drop(other);
        }
        b"wrong-sleep" => {
            let spinning = locks.spinning.lock();
            drop(locks.one.lock());
            drop(spinning);
        }
        // Several: of one of them an address may be left somewhere.
        b"wrong-leak" => {
            for _ in 0..16 {
                core::mem::forget(KBox::new([0u8; 256], GFP_KERNEL)?);
            }
        }
        _ => return Err(EINVAL),
    }
    Ok(())
}
