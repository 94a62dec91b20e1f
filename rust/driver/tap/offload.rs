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

#[cfg(rnetvirt_kunit)]
#[kunit_tests(rnetvirt_tap_offload)]
mod tests {
    use super::*;
    use crate::cases::all;

    /// All that can be said with bits that are known.
    fn known() -> impl Iterator<Item = u32> {
        0..=uapi::TUN_F_ALL
    }

    fn parsed(bits: u32) -> Option<Features> {
        parse(bits as usize).ok()
    }

    /// Whether readers that say `bits` take some of `which`.
    fn takes(bits: u32, which: Features) -> bool {
        parsed(bits).is_some_and(|features| features.any(which))
    }

    #[test]
    fn e8_known_bits_are_accepted_in_any_combination() {
        assert!(all(known(), |bits| parsed(*bits).is_some()));
    }

    #[test]
    fn e8_bits_that_are_not_known_are_refused() {
        let unknown = (0..usize::BITS)
            .map(|bit| 1_usize << bit)
            .filter(|bit| bit & uapi::TUN_F_ALL as usize == 0);
        assert!(all(unknown, |bit| {
            parse(*bit).is_err() && parse(*bit | uapi::TUN_F_ALL as usize).is_err()
        }));
    }

    #[test]
    fn e8_no_bits_mean_nothing() {
        assert_eq!(parsed(0), Some(Features::NONE));
    }

    #[test]
    fn e8_without_checksums_there_is_nothing() {
        assert!(all(known(), |bits| {
            bits & uapi::TUN_F_CSUM != 0 || parsed(*bits) == Some(Features::NONE)
        }));
    }

    #[test]
    fn e8_with_checksums_these_are_taken() {
        assert!(all(known(), |bits| {
            takes(*bits, Features::HW_CSUM) == (bits & uapi::TUN_F_CSUM != 0)
        }));
    }

    #[test]
    fn e8_tcp_over_ipv4_is_a_bit_of_its_own() {
        assert!(all(known(), |bits| {
            let wanted = uapi::TUN_F_CSUM | uapi::TUN_F_TSO4;
            takes(*bits, Features::TSO) == (bits & wanted == wanted)
        }));
    }

    #[test]
    fn e8_tcp_over_ipv6_is_a_bit_of_its_own() {
        assert!(all(known(), |bits| {
            let wanted = uapi::TUN_F_CSUM | uapi::TUN_F_TSO6;
            takes(*bits, Features::TSO6) == (bits & wanted == wanted)
        }));
    }

    #[test]
    fn e8_congestion_is_of_no_use_without_tcp() {
        assert!(all(known(), |bits| {
            takes(*bits, Features::TSO.with(Features::TSO6)) || !takes(*bits, Features::TSO_ECN)
        }));
    }

    #[test]
    fn e8_congestion_goes_with_either_version() {
        assert!(all([uapi::TUN_F_TSO4, uapi::TUN_F_TSO6], |version| {
            let bits = uapi::TUN_F_CSUM | uapi::TUN_F_TSO_ECN | version;
            takes(bits, Features::TSO_ECN)
        }));
    }

    #[test]
    fn e8_udp_is_taken_for_both_versions_or_not() {
        assert!(all(known(), |bits| {
            let wanted = uapi::TUN_F_CSUM | uapi::TUN_F_USO4 | uapi::TUN_F_USO6;
            takes(*bits, Features::GSO_UDP_L4) == (bits & wanted == wanted)
        }));
    }

    #[test]
    fn e8_fragments_of_udp_have_no_effect() {
        assert!(all(known(), |bits| {
            parsed(bits | uapi::TUN_F_UFO) == parsed(bits & !uapi::TUN_F_UFO)
        }));
    }

    #[test]
    fn e8_nothing_is_taken_that_has_no_bit() {
        let named = DEFAULT.with(Features::GSO_UDP_L4);
        assert!(all(known(), |bits| {
            parsed(*bits).is_some_and(|features| features.without(named) == Features::NONE)
        }));
    }

    #[test]
    fn e8_more_bits_never_take_less() {
        assert!(all(known(), |bits| {
            known().filter(|more| more & bits == *bits).all(|more| {
                let (few, many) = (parsed(*bits), parsed(more));
                few.zip(many)
                    .is_some_and(|(few, many)| few.without(many) == Features::NONE)
            })
        }));
    }

    #[test]
    fn e8_the_default_is_tcp_as_a_reader_would_say_it() {
        let bits = uapi::TUN_F_CSUM | uapi::TUN_F_TSO4 | uapi::TUN_F_TSO6 | uapi::TUN_F_TSO_ECN;
        assert_eq!(parsed(bits), Some(DEFAULT));
    }
}
