// SPDX-License-Identifier: GPL-2.0

//! The flavors. One that is new gets a row in [`FLAVORS`] and a line in the usage, and
//! a file, unless it has the options of another.

use crate::ffi::{self, Refused, Request, Stream, Words};
use crate::{guard, ipvlan, limits, lower, macvlan, uapi, veth};
use core::ffi::CStr;

/// A flavor that this version can make.
pub struct Flavor {
    /// Its number in the netlink interface.
    number: u32,
    /// The words that begin its options.
    options: &'static [&'static CStr],
    /// Whether it has a mode of that name.
    has_mode: fn(&CStr) -> bool,
    /// Parses the words that are left as its options.
    parse: fn(Choice, Words<'_>, &mut Request<'_>) -> Result<(), Refused>,
}

/// What is made of a kind without a flavor and without options: nothing is sent, and
/// the kernel may choose another.
const VETH: Flavor = Flavor {
    number: uapi::RNETVIRT_FLAVOR_VETH,
    options: veth::OPTIONS,
    has_mode: |_| false,
    parse: |choice, words, request| choice.parse(veth::Veth::default(), words, request),
};

const MACVLAN: Flavor = Flavor {
    number: uapi::RNETVIRT_FLAVOR_MACVLAN,
    options: macvlan::OPTIONS,
    has_mode: macvlan::has_mode,
    parse: |choice, words, request| choice.parse(macvlan::Macvlan::default(), words, request),
};

const IPVLAN: Flavor = Flavor {
    number: uapi::RNETVIRT_FLAVOR_IPVLAN,
    options: ipvlan::OPTIONS,
    has_mode: ipvlan::has_mode,
    parse: |choice, words, request| choice.parse(ipvlan::Ipvlan::default(), words, request),
};

/// These have the options of another, and are made only if they are named.
const MACVTAP: Flavor = Flavor {
    number: uapi::RNETVIRT_FLAVOR_MACVTAP,
    ..MACVLAN
};

const IPVTAP: Flavor = Flavor {
    number: uapi::RNETVIRT_FLAVOR_IPVTAP,
    ..IPVLAN
};

/// Options without a flavor belong to the first that has them, a mode to the first that
/// has one of that name.
const FLAVORS: &[Flavor] = &[VETH, MACVLAN, IPVLAN, MACVTAP, IPVTAP];

/// The options of a flavor, as far as they were parsed.
pub trait Options<'a> {
    /// Parses one option: the word given, and of those behind it what belongs to it.
    /// False if the flavor has no such option.
    fn option(&mut self, word: &'a CStr, words: &mut Words<'a>) -> Result<bool, Refused>;

    /// Appends what was parsed, and nothing else: defaults are the kernel's.
    fn send(self, request: &mut Request<'_>) -> Result<(), Refused>;
}

/// The flavor that the words are for.
#[derive(Clone, Copy)]
struct Choice {
    flavor: &'static Flavor,
    /// Whether the user has named it.
    named: bool,
}

/// Turns the words behind `type rnetvirt` into attributes.
pub fn parse(mut words: Words<'_>, request: &mut Request<'_>) -> Result<(), Refused> {
    let named = words.peek() == Some(c"flavor");
    let flavor = if named {
        words.next();
        let flavor = by_name(words.value());
        request.put_u32(uapi::IFLA_RNETVIRT_FLAVOR, flavor.number)?;
        flavor
    } else {
        by_words(words.clone())?
    };
    (flavor.parse)(Choice { flavor, named }, words, request)
}

impl Choice {
    fn parse<'a>(
        self,
        mut options: impl Options<'a>,
        mut words: Words<'a>,
        request: &mut Request<'_>,
    ) -> Result<(), Refused> {
        while let Some(word) = words.next() {
            if !options.option(word, &mut words)? {
                return Err(self.explain(word, words));
            }
        }
        options.send(request)
    }

    /// Says what is wrong with a word that is no option of the flavor.
    fn explain(self, word: &CStr, mut words: Words<'_>) -> Refused {
        let err = Stream::stderr();

        if word == c"help" {
            crate::help(err);
        } else if word == c"flavor" {
            let name = words.value();
            if self.named {
                ffi::duplicate(word, name);
            }
            ffi::invalid(c"the flavor must stand before its options", name);
        } else if let Some(other) = by_option(word, &words) {
            err.write(&[
                c"rnetvirt: \"",
                word,
                c"\" is an option of flavor ",
                name(other.number).unwrap_or_default(),
                c", not of ",
                name(self.flavor.number).unwrap_or_default(),
                c"\n",
            ]);
        } else {
            err.write(&[c"rnetvirt: unknown option \"", word, c"\"?\n"]);
            crate::help(err);
        }
        Refused
    }
}

/// Finds a flavor that this version can make; ends `ip` with an error otherwise.
fn by_name(wanted: &CStr) -> &'static Flavor {
    if let Some(flavor) = FLAVORS.iter().find(|f| name(f.number) == Some(wanted)) {
        return flavor;
    }
    ffi::invalid(
        c"no such flavor; there are veth, macvlan, ipvlan, macvtap and ipvtap",
        wanted,
    )
}

/// Finds the flavor that words without one are for: the first option tells.
fn by_words(mut words: Words<'_>) -> Result<&'static Flavor, Refused> {
    let Some(mut option) = words.next() else {
        return Ok(&VETH);
    };
    // Several flavors have these: another option tells.
    let first = option;
    let behind_first = words.clone();
    while option == limits::OPTION
        || lower::OPTIONS.contains(&option)
        || guard::OPTIONS.contains(&option)
    {
        if option == limits::OPTION {
            if !limits::skip(&mut words) {
                words = behind_first;
                break;
            }
        } else {
            let value = words.next();
            if option == c"guard-addr" && value != Some(c"flush") {
                words.next();
            }
        }
        let Some(next) = words.next() else {
            words = behind_first;
            break;
        };
        option = next;
    }
    // A word that nobody knows is not to have those in front of it refused.
    let flavor = by_option(option, &words)
        .or_else(|| by_option(first, &words))
        .unwrap_or(&VETH);
    match words.peek() {
        // Which modes there are is not known without a flavor.
        Some(mode) if option == c"mode" && !(flavor.has_mode)(mode) => fail(&[
            c"Error: argument of \"mode\" must be ",
            macvlan::MODES,
            c" for flavor macvlan, ",
            ipvlan::MODES,
            c" for flavor ipvlan, not \"",
            mode,
            c"\"\n",
        ]),
        _ => Ok(flavor),
    }
}

/// Finds the flavor that a word is an option of; `rest` is what stands behind it.
fn by_option(word: &CStr, rest: &Words<'_>) -> Option<&'static Flavor> {
    let by_mode = |mode| FLAVORS.iter().find(|f| (f.has_mode)(mode));
    match rest.peek().and_then(by_mode) {
        Some(flavor) if word == c"mode" => Some(flavor),
        _ => FLAVORS.iter().find(|f| f.options.contains(&word)),
    }
}

/// Parses the value of an option that may be given only once: with two, one of them
/// would silently not be done.
pub fn once<'a, T>(
    value: &mut Option<T>,
    option: &CStr,
    words: &mut Words<'a>,
    parse: fn(&'a CStr, &mut Words<'a>) -> Result<T, Refused>,
) -> Result<(), Refused> {
    let word = words.value();
    if value.is_some() {
        ffi::duplicate(option, word);
    }
    *value = Some(parse(word, words)?);
    Ok(())
}

/// Says what is wrong.
pub fn fail<T>(message: &[&CStr]) -> Result<T, Refused> {
    Stream::stderr().write(message);
    Err(Refused)
}

/// What a flavor is called, also one that only a newer module can make.
pub fn name(number: u32) -> Option<&'static CStr> {
    uapi::FLAVOR_NAMES.get(number as usize).copied()
}
