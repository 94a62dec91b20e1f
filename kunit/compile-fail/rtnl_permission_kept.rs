// misuse: E0521
//! That RTNL may be taken is known during a command, and not later.
#![forbid(unsafe_code)]

use abstractions::{
    chrdev::{
        CharFile,
        OpenFile, //
    },
    net::rtnl::Unlocked,
};

pub fn keep(_: &'static mut Unlocked) {}

pub fn ioctl<T: CharFile>(_file: &OpenFile<'_, T>, unlocked: &mut Unlocked) {
    #[cfg(misuse)]
    keep(unlocked);
    let _ = unlocked;
}
