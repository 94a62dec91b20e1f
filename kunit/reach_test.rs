// SPDX-License-Identifier: GPL-2.0

//! Who reaches and who hears whom, compared with the table that is shown to people.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_reach)]
mod tests {
    use crate::{
        ipvlan::settings::{
            Flags,
            Mode as IpvlanMode, //
        },
        macvlan::settings::Mode as MacvlanMode,
        reach::{
            hears_itself,
            returned_group,
            sent_group,
            unicast,
            Parties,
            Party,
            Reach, //
        },
    };
    use kernel::prelude::*;

    const PAGE: &str = include_str!("../Documentation/reach.md");

    /// The table's first column.
    fn words(party: Party) -> [&'static str; 2] {
        match party {
            Party::Outside => ["outside", "-"],
            Party::Macvlan(MacvlanMode::BRIDGE) => ["macvlan", "bridge"],
            Party::Macvlan(MacvlanMode::VEPA) => ["macvlan", "vepa"],
            Party::Macvlan(MacvlanMode::PRIVATE) => ["macvlan", "private"],
            Party::Macvlan(MacvlanMode::SOURCE) => ["macvlan", "source"],
            Party::Macvlan(_) => ["macvlan", "passthru"],
            Party::Ipvlan(mode, flags) => [
                match mode {
                    IpvlanMode::L2 => "l2",
                    IpvlanMode::L3 => "l3",
                    _ => "l3s",
                },
                match flags {
                    Flags::BRIDGE => "bridge",
                    Flags::VEPA => "vepa",
                    _ => "private",
                },
            ],
        }
    }

    /// The letters of a pair.
    fn letters(from: Party, to: Party) -> [u8; 3] {
        [
            match unicast(from, to) {
                Reach::Direct => b'D',
                Reach::Out => b'O',
                Reach::Nowhere => b'-',
            },
            if sent_group(from, to) { b'S' } else { b'-' },
            if returned_group(from, to) { b'R' } else { b'-' },
        ]
    }

    fn is_direct(from: Party, to: Party) -> bool {
        unicast(from, to) == Reach::Direct
    }

    /// The cells of a row of the table.
    fn row(party: Party) -> Option<impl Iterator<Item = &'static str>> {
        let wanted = words(party);
        PAGE.lines().find_map(|line| {
            let mut cells = line.split_ascii_whitespace();
            (cells.next() == Some(wanted[0]) && cells.next() == Some(wanted[1])).then_some(cells)
        })
    }

    #[test]
    fn all_pairs_are_as_the_page_says() {
        for from in Party::ALL {
            let cells = row(from);
            assert!(cells.is_some());
            let mut cells = cells.into_iter().flatten();
            for to in Party::ALL.into_iter().filter(|to| *to != Party::Outside) {
                let (shown, is) = (cells.next().unwrap_or_default(), letters(from, to));
                if shown.as_bytes() != is {
                    let (from, to) = (words(from), words(to));
                    let is = core::str::from_utf8(&is).unwrap_or_default();
                    pr_err!("{from:?} to {to:?}: the page says {shown}, the code {is}\n");
                }
                assert_eq!(shown.as_bytes(), is);
            }
            let heard = |by| if by { "R" } else { "-" };
            assert_eq!(cells.next(), Some(heard(hears_itself(from))));
            // The host hears everybody.
            assert_eq!(cells.next(), Some("R"));
            assert_eq!(cells.next(), None);
        }
    }

    #[test]
    fn sets_are_as_the_rules() {
        for from in Party::ALL {
            let reached = Parties::reached_by(from);
            let hearing = Parties::hearing(from);
            let returned = Parties::hearing_returned(from);
            assert_eq!(Parties::from_number(returned.number()), returned);
            for to in Party::ALL {
                assert_eq!(reached.has(to), is_direct(from, to));
                assert_eq!(hearing.has(to), sent_group(from, to));
                assert_eq!(returned.has(to), returned_group(from, to));
            }
        }
    }

    #[test]
    fn nobody_is_reached_in_one_direction_only() {
        for from in Party::ALL {
            for to in Party::ALL {
                assert_eq!(is_direct(from, to), is_direct(to, from));
                assert_eq!(sent_group(from, to), sent_group(to, from));
            }
        }
    }
}
