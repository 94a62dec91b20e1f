// SPDX-License-Identifier: GPL-2.0

//! What readers take that others would have to do for them.

use super::uapi;
use abstractions::net::features::Features;
use kernel::prelude::*;

/// What readers with a header in front of frames take, until one of them says otherwise.
pub(crate) const DEFAULT: Features = Features::HW_CSUM
    .with(Features::TSO)
    .with(Features::TSO6)
    .with(Features::TSO_ECN);

/// What a reader takes that says so in these bits (`TUN_F_*`); [`EINVAL`] if some are not known.
pub(crate) fn parse(bits: usize) -> Result<Features> {
    let bits = u32::try_from(bits).map_err(|_| EINVAL)?;
    if bits & !uapi::TUN_F_ALL != 0 {
        return Err(EINVAL);
    }
    let has = |bit: u32| bits & bit != 0;
    let when = |on: bool, features: Features| if on { features } else { Features::NONE };
    // Nobody can cut what he cannot compute checksums for.
    if !has(uapi::TUN_F_CSUM) {
        return Ok(Features::NONE);
    }
    let tso = has(uapi::TUN_F_TSO4 | uapi::TUN_F_TSO6);
    Ok(Features::HW_CSUM
        .with(when(has(uapi::TUN_F_TSO4), Features::TSO))
        .with(when(has(uapi::TUN_F_TSO6), Features::TSO6))
        .with(when(tso && has(uapi::TUN_F_TSO_ECN), Features::TSO_ECN))
        // One feature for both versions of IP.
        .with(when(
            has(uapi::TUN_F_USO4) && has(uapi::TUN_F_USO6),
            Features::GSO_UDP_L4,
        )))
}
