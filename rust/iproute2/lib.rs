// SPDX-License-Identifier: GPL-2.0

//! `link_rnetvirt.so`: teaches `ip link` the words of link kind `rnetvirt`.
//!
//! `ip` loads this object when it meets the kind and calls it to parse what stands
//! behind `type rnetvirt`, to print what a dump carries, and to print help. Errors
//! are reported the way `ip` reports its own: a line on stderr, the usage where
//! that helps, and `ip`'s exit status.
//!
//! All that touches `ip`'s memory is in [`ffi`]; the rest is safe.

#![no_std]
#![deny(unsafe_code, missing_docs)]

mod attribute;
#[allow(unsafe_code)]
mod ffi;
mod flavor;
mod guard;
mod ipvlan;
mod limits;
mod lladdr;
mod lower;
mod macvlan;
mod text;
#[path = "../uapi.rs"]
mod uapi;
mod veth;

use attribute::Value;
use core::ffi::CStr;
use ffi::{Attributes, Stream};

const USAGE: &CStr = c"\
Usage: ... rnetvirt [ flavor FLAVOR ] [ OPTIONS ]

FLAVOR := { veth | macvlan | ipvlan | macvtap | ipvtap }

OPTIONS of veth := [ peer [ <options> ] ]

OPTIONS of macvlan := [ mode MODE ] [ FLAGS ] [ macaddr MACADDR ]
                      [ bcqueuelen BC_QUEUE_LEN ] [ bclim BCLIM ] [ COMMON ]
MODE := { private | vepa | bridge | passthru | source }
FLAGS := [ nopromisc ] [ nodst ] | flag null
MACADDR := { { add | del } LLADDR | set [ LLADDR ... ] | flush }
BC_QUEUE_LEN := length of the queue for broadcast and multicast, 0-4294967295
BCLIM := listeners of a group that need no queue, 32-bit integer, -1: any number

OPTIONS of ipvlan := [ mode { l2 | l3 | l3s } ] [ bridge | private | vepa ]
                     [ trust { on | off } ] [ COMMON ]

COMMON, of all but veth := [ host { on | off } ] [ suppress { on | off } ]
                           [ copies { COPIES | off } ] [ guard-addr LIST ]
                           [ guard { off | RULE[,RULE...] } ]
                           [ limit { off | AMOUNT ... } ]
COPIES := how many copies of broadcast and multicast in a second, 1-4294967295
LIST := { { add | del | set } ADDR[,ADDR...] | flush }
RULE := { mac | ip | arp | ra | dhcp-server }
ADDR := { LLADDR | IP address | IP prefix }

AMOUNT := { { tx-rate | rx-rate } { RATE | off } |
            { tx-pps | rx-pps | broadcast } { PPS | off } |
            { tx-burst | rx-burst } SIZE |
            { tx-pps-burst | rx-pps-burst } PACKETS }
RATE := number of bits with bit, kbit, mbit, gbit or tbit behind, or of bytes
        with bps, kbps, mbps or gbps
SIZE := number of bytes, or of 1024 with k behind, or of 1048576 with m

macvtap has the options of macvlan, ipvtap those of ipvlan. What they receive is
read from /dev/tapN, N being the number of the link; for 'vhost=on' of a virtual
machine it has to be a socket, see rnetvirt-tap-exec and Documentation/tap.md.

Without a flavor, the first option tells which one is meant, and mode by its
value; without both the kernel makes macvlan of a link with a lower device, and
a pair of devices otherwise.
trust is for all links of flavors ipvlan and ipvtap on the lower device.
host, suppress and copies are for all links on the lower device.
nopromisc is for mode passthru, nodst and macaddr are for mode source.
To get <options> type 'ip link add help'.
";

/// Prints what the kernel tells about a device.
fn print(data: Attributes<'_>) {
    if let Some(number) = data.get(uapi::IFLA_RNETVIRT_FLAVOR).and_then(Value::u32) {
        match flavor::name(number) {
            Some(name) => ffi::FLAVOR.print(name),
            None => ffi::FLAVOR_NUMBER.print(number),
        }
    }
    if let Some(data) = data.get(uapi::IFLA_RNETVIRT_MACVLAN) {
        macvlan::print(data);
    }
    if let Some(data) = data.get(uapi::IFLA_RNETVIRT_IPVLAN) {
        ipvlan::print(data);
    }
    if let Some(trust) = data.get(uapi::IFLA_RNETVIRT_TRUST).and_then(Value::u32) {
        ipvlan::print_trust(trust);
    }
    lower::print(&data);
    if let Some(data) = data.get(uapi::IFLA_RNETVIRT_GUARD) {
        guard::print(data);
    }
    if let Some(data) = data.get(uapi::IFLA_RNETVIRT_LIMIT) {
        limits::print(data);
    }
}

/// Prints what a link has lost, by reason.
fn print_xstats(lost: Value<'_>) {
    let count = |place| lost.get(uapi::drop_attr(place)).and_then(Value::u64);
    let known = || {
        let places = uapi::DROP_NAMES.iter().enumerate();
        places.filter_map(|(place, name)| Some((name, count(place)?)))
    };
    if known().next().is_none() {
        return;
    }
    ffi::print_line(c"lost:");
    known().for_each(|(name, count)| ffi::print_named(name, count));
    // `ip` goes on behind it.
    ffi::print_line(c"");
}

fn help(to: Stream<'_>) {
    to.write(&[USAGE]);
}
