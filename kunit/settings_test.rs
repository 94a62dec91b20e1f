// SPDX-License-Identifier: GPL-2.0

//! What requests say of settings, as the running kernel parses them, and what is refused and with which
//! words.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_settings)]
mod tests {
    use crate::{
        cases::all,
        config::{
            self,
            Flavor, //
        },
        ipvlan::settings as ipvlan,
        macvlan::settings::{
            self as macvlan,
            SourceChange, //
        },
        uapi::*,
    };
    use abstractions::{
        net::nlattr::NestedAttrs,
        testing::Nest, //
    };
    use kernel::prelude::*;

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const GROUP: [u8; 6] = [1, 0, 0x5e, 0, 0, 1];

    const FLAVORS: [Flavor; 5] = [
        Flavor::Veth,
        Flavor::Macvlan,
        Flavor::Ipvlan,
        Flavor::Macvtap,
        Flavor::Ipvtap,
    ];

    /// A nest with a 32-bit number.
    fn number(id: u16, number: u32) -> Nest {
        Nest::new().with(id, &number.to_ne_bytes())
    }

    /// A nest with a 16-bit number.
    fn short(id: u16, number: u16) -> Nest {
        Nest::new().with(id, &number.to_ne_bytes())
    }

    /// An entry of a list, as it is in a message.
    fn entry(id: u16, mac: [u8; 6]) -> [u8; 12] {
        let ([len_0, len_1], [id_0, id_1]) = (10_u16.to_ne_bytes(), id.to_ne_bytes());
        let [a, b, c, d, e, f] = mac;
        [len_0, len_1, id_0, id_1, a, b, c, d, e, f, 0, 0]
    }

    /// What is to be done to sources, without lifetimes.
    #[derive(Debug, PartialEq, Eq)]
    enum Change {
        Nothing,
        Add([u8; 6]),
        Remove([u8; 6]),
        Flush,
        /// The one address, and how many are in the list.
        Set(Option<[u8; 6]>, Option<usize>),
    }

    impl Change {
        fn of(change: Option<SourceChange<'_>>) -> Self {
            match change {
                None => Self::Nothing,
                Some(SourceChange::Add(mac)) => Self::Add(mac.to_bytes()),
                Some(SourceChange::Remove(mac)) => Self::Remove(mac.to_bytes()),
                Some(SourceChange::Flush) => Self::Flush,
                Some(SourceChange::Set(mac, list)) => Self::Set(
                    mac.map(|mac| mac.to_bytes()),
                    list.map(|list| NestedAttrs::iter(list).count()),
                ),
            }
        }
    }

    /// Mode, flags, sources, length of the queue, cutoff.
    type Macvlan = (Option<u32>, Option<u16>, Change, Option<u32>, Option<i32>);

    /// What a nest of flavor macvlan says.
    fn macvlan(nest: &Nest) -> Option<Macvlan> {
        let parsed = nest.ask(
            |attr, ack| {
                let said = macvlan::Settings::parse(Some(attr), ack)?;
                Ok((
                    said.mode.map(macvlan::Mode::number),
                    said.flags.map(macvlan::Flags::number),
                    Change::of(said.sources),
                    said.bc_queue_len,
                    said.bc_cutoff,
                ))
            },
            |said: Result<Macvlan>, _| said.ok(),
        );
        parsed.flatten()
    }

    /// Whether a nest of flavor macvlan is refused like that: for this attribute, with words of the text.
    fn macvlan_refuses(nest: &Nest, err: Error, id: u16, words: &[u8]) -> bool {
        nest.ask(
            |attr, ack| macvlan::Settings::parse(Some(attr), ack).err(),
            |is, told| {
                let text = told.msg.map_or(&b""[..], |msg| msg.to_bytes());
                is == Some(err)
                    && told.bad_attr == Some(id)
                    && text.windows(words.len()).any(|part| part == words)
            },
        ) == Some(true)
    }

    /// Mode and flags that a nest of flavor ipvlan says.
    fn ipvlan(nest: &Nest) -> Option<(Option<u16>, Option<u16>)> {
        let parsed = nest.ask(
            |attr, ack| ipvlan::Settings::parse(Some(attr), ack),
            |said, _| said.ok(),
        );
        parsed.flatten().map(|said| {
            (
                said.mode.map(ipvlan::Mode::number),
                said.flags.map(ipvlan::Flags::number),
            )
        })
    }

    /// As [`macvlan_refuses`].
    fn ipvlan_refuses(nest: &Nest, id: u16, words: &[u8]) -> bool {
        nest.ask(
            |attr, ack| ipvlan::Settings::parse(Some(attr), ack).err(),
            |is, told| {
                let text = told.msg.map_or(&b""[..], |msg| msg.to_bytes());
                is == Some(EINVAL)
                    && told.bad_attr == Some(id)
                    && text.windows(words.len()).any(|part| part == words)
            },
        ) == Some(true)
    }

    /// Whether a change that says this is accepted for a link of that flavor, and the error otherwise.
    fn change(flavor: Flavor, nest: &Nest) -> Result {
        nest.ask(
            |_, ack| {
                nest.attrs::<{ IFLA_RNETVIRT_MAX as usize + 1 }, _>(|data| {
                    config::check_change(flavor, Some(data), ack)
                })
            },
            |result, _| result,
        )
        .unwrap_or(Ok(()))
    }

    /// What a request says of trust.
    fn trust(nest: &Nest) -> Result<Option<bool>> {
        nest.ask(
            |_, ack| {
                nest.attrs::<{ IFLA_RNETVIRT_MAX as usize + 1 }, _>(|data| {
                    config::trust(Some(data), ack)
                })
            },
            |result, _| result,
        )
        .unwrap_or(Err(ENODEV))
    }

    #[test]
    fn macvlan_says_nothing_without_attributes() {
        let nothing = Some((None, None, Change::Nothing, None, None));
        assert_eq!(macvlan(&Nest::new()), nothing);
    }

    #[test]
    fn macvlan_modes_are_read() {
        assert!(all([1, 2, 4, 8, 16], |mode| {
            macvlan(&number(IFLA_MACVLAN_MODE, *mode)).is_some_and(|said| said.0 == Some(*mode))
        }));
    }

    #[test]
    fn macvlan_modes_that_are_none_are_refused_by_name() {
        assert!(all([0, 3, 5, 32, u32::MAX], |mode| {
            let nest = number(IFLA_MACVLAN_MODE, *mode);
            macvlan_refuses(&nest, EINVAL, IFLA_MACVLAN_MODE, b"mode is one of")
        }));
    }

    #[test]
    fn macvlan_flags_are_read() {
        assert!(all(0..4, |flags| {
            macvlan(&short(IFLA_MACVLAN_FLAGS, *flags)).is_some_and(|said| said.1 == Some(*flags))
        }));
    }

    #[test]
    fn macvlan_flags_that_are_none_are_refused_by_name() {
        assert!(all([4, 8, 0x8000, u16::MAX], |flags| {
            let nest = short(IFLA_MACVLAN_FLAGS, *flags);
            macvlan_refuses(&nest, EINVAL, IFLA_MACVLAN_FLAGS, b"flags are")
        }));
    }

    #[test]
    fn macvlan_queue_lengths_up_to_the_default_are_everybodys() {
        assert!(all([0, 1, 1000], |len| {
            let nest = number(IFLA_MACVLAN_BC_QUEUE_LEN, *len);
            macvlan(&nest).is_some_and(|said| said.3 == Some(*len))
        }));
    }

    #[test]
    fn macvlan_cutoffs_have_a_sign() {
        assert!(all([i32::MIN, -1, 0, 1, i32::MAX], |cutoff| {
            let nest = Nest::new().with(IFLA_MACVLAN_BC_CUTOFF, &cutoff.to_ne_bytes());
            macvlan(&nest).is_some_and(|said| said.4 == Some(*cutoff))
        }));
    }

    #[test]
    fn macvlan_settings_do_not_get_in_each_others_way() {
        let nest = number(IFLA_MACVLAN_MODE, MACVLAN_MODE_SOURCE)
            .with(IFLA_MACVLAN_FLAGS, &2_u16.to_ne_bytes())
            .with(IFLA_MACVLAN_BC_QUEUE_LEN, &7_u32.to_ne_bytes())
            .with(IFLA_MACVLAN_BC_CUTOFF, &9_i32.to_ne_bytes());
        let wanted = (Some(16), Some(2), Change::Nothing, Some(7), Some(9));
        assert_eq!(macvlan(&nest), Some(wanted));
    }

    #[test]
    fn macvlan_of_two_modes_the_last_one_counts() {
        let nest = number(IFLA_MACVLAN_MODE, 1).with(IFLA_MACVLAN_MODE, &4_u32.to_ne_bytes());
        assert!(macvlan(&nest).is_some_and(|said| said.0 == Some(4)));
    }

    #[test]
    fn macvlan_does_not_know_later_attributes() {
        assert!(macvlan(&number(IFLA_MACVLAN_MAX + 1, 1)).is_some());
    }

    #[test]
    fn macvlan_numbers_that_are_cut_are_refused() {
        let ids = [
            IFLA_MACVLAN_MODE,
            IFLA_MACVLAN_FLAGS,
            IFLA_MACVLAN_MACADDR_MODE,
            IFLA_MACVLAN_BC_QUEUE_LEN,
            IFLA_MACVLAN_BC_CUTOFF,
        ];
        assert!(all(ids, |id| macvlan(&Nest::new().with(*id, &[1])).is_none()));
    }

    #[test]
    fn a_source_is_added() {
        let nest =
            number(IFLA_MACVLAN_MACADDR_MODE, MACVLAN_MACADDR_ADD).with(IFLA_MACVLAN_MACADDR, &MAC);
        assert!(macvlan(&nest).is_some_and(|said| said.2 == Change::Add(MAC)));
    }

    #[test]
    fn a_source_is_removed() {
        let nest =
            number(IFLA_MACVLAN_MACADDR_MODE, MACVLAN_MACADDR_DEL).with(IFLA_MACVLAN_MACADDR, &MAC);
        assert!(macvlan(&nest).is_some_and(|said| said.2 == Change::Remove(MAC)));
    }

    #[test]
    fn all_sources_are_removed() {
        let nest = number(IFLA_MACVLAN_MACADDR_MODE, MACVLAN_MACADDR_FLUSH);
        assert!(macvlan(&nest).is_some_and(|said| said.2 == Change::Flush));
    }

    #[test]
    fn sources_are_replaced_by_a_list() {
        let entry = entry(IFLA_MACVLAN_MACADDR, MAC);
        let list: [u8; 24] = core::array::from_fn(|at| *entry.get(at % 12).unwrap_or(&0));
        let nest = number(IFLA_MACVLAN_MACADDR_MODE, MACVLAN_MACADDR_SET)
            .with(IFLA_MACVLAN_MACADDR_DATA, &list);
        assert!(macvlan(&nest).is_some_and(|said| said.2 == Change::Set(None, Some(2))));
    }

    #[test]
    fn sources_are_replaced_by_one_address() {
        let nest =
            number(IFLA_MACVLAN_MACADDR_MODE, MACVLAN_MACADDR_SET).with(IFLA_MACVLAN_MACADDR, &MAC);
        assert!(macvlan(&nest).is_some_and(|said| said.2 == Change::Set(Some(MAC), None)));
    }

    #[test]
    fn an_address_without_a_word_what_for_changes_nothing() {
        let nest = Nest::new().with(IFLA_MACVLAN_MACADDR, &MAC);
        assert!(macvlan(&nest).is_some_and(|said| said.2 == Change::Nothing));
    }

    #[test]
    fn who_adds_or_deletes_says_which() {
        assert!(all([MACVLAN_MACADDR_ADD, MACVLAN_MACADDR_DEL], |change| {
            let nest = number(IFLA_MACVLAN_MACADDR_MODE, *change);
            macvlan_refuses(&nest, EINVAL, IFLA_MACVLAN_MACADDR_MODE, b"which source")
        }));
    }

    #[test]
    fn other_changes_of_sources_are_refused() {
        assert!(all([4, 5, u32::MAX], |change| {
            let nest = number(IFLA_MACVLAN_MACADDR_MODE, *change);
            let words = b"the list of sources";
            macvlan_refuses(&nest, EINVAL, IFLA_MACVLAN_MACADDR_MODE, words)
        }));
    }

    #[test]
    fn a_group_is_refused_as_a_source() {
        let nest = Nest::new().with(IFLA_MACVLAN_MACADDR, &GROUP);
        let words = b"a source is a unicast address";
        assert!(macvlan_refuses(
            &nest,
            EADDRNOTAVAIL,
            IFLA_MACVLAN_MACADDR,
            words
        ));
    }

    #[test]
    fn a_source_of_another_length_is_refused() {
        assert!(all([0, 1, 5, 7, 8, 32], |len| {
            let bytes = [2; 32];
            let nest = Nest::new().with(IFLA_MACVLAN_MACADDR, bytes.get(..*len).unwrap_or(&[]));
            macvlan_refuses(&nest, EINVAL, IFLA_MACVLAN_MACADDR, b"of six bytes")
        }));
    }

    #[test]
    fn a_list_of_something_else_is_refused() {
        let list = entry(IFLA_MACVLAN_MODE, MAC);
        let nest = Nest::new().with(IFLA_MACVLAN_MACADDR_DATA, &list);
        let words = b"a source is";
        assert!(macvlan_refuses(
            &nest,
            EINVAL,
            IFLA_MACVLAN_MACADDR_DATA,
            words
        ));
    }

    #[test]
    fn a_group_in_a_list_is_refused() {
        let list = entry(IFLA_MACVLAN_MACADDR, GROUP);
        let nest = Nest::new().with(IFLA_MACVLAN_MACADDR_DATA, &list);
        let words = b"a source is";
        assert!(macvlan_refuses(
            &nest,
            EADDRNOTAVAIL,
            IFLA_MACVLAN_MACADDR_DATA,
            words
        ));
    }

    #[test]
    fn the_number_of_sources_cannot_be_set() {
        let nest = number(IFLA_MACVLAN_MACADDR_COUNT, 1);
        let words = b"cannot be set";
        assert!(macvlan_refuses(
            &nest,
            EINVAL,
            IFLA_MACVLAN_MACADDR_COUNT,
            words
        ));
    }

    #[test]
    fn the_length_of_a_queue_in_use_cannot_be_set() {
        assert_eq!(macvlan(&number(IFLA_MACVLAN_BC_QUEUE_LEN_USED, 1)), None);
    }

    #[test]
    fn of_two_mistakes_flags_are_the_first_as_in_c() {
        let nest = number(IFLA_MACVLAN_MODE, 3).with(IFLA_MACVLAN_FLAGS, &4_u16.to_ne_bytes());
        assert!(macvlan_refuses(&nest, EINVAL, IFLA_MACVLAN_FLAGS, b"flags"));
    }

    #[test]
    fn ipvlan_says_nothing_without_attributes() {
        assert_eq!(ipvlan(&Nest::new()), Some((None, None)));
    }

    #[test]
    fn ipvlan_modes_and_flags_are_read() {
        assert!(all(0..9_u16, |both| {
            let (mode, flags) = (both / 3, both % 3);
            let nest = short(IFLA_IPVLAN_MODE, mode).with(IFLA_IPVLAN_FLAGS, &flags.to_ne_bytes());
            ipvlan(&nest) == Some((Some(mode), Some(flags)))
        }));
    }

    #[test]
    fn ipvlan_modes_alone_leave_flags_alone() {
        let said = ipvlan(&short(IFLA_IPVLAN_MODE, IPVLAN_MODE_L3));
        assert_eq!(said, Some((Some(IPVLAN_MODE_L3), None)));
    }

    #[test]
    fn ipvlan_modes_that_are_none_are_refused_by_name() {
        assert!(all([3, 4, 256, u16::MAX], |mode| {
            let nest = short(IFLA_IPVLAN_MODE, *mode);
            ipvlan_refuses(&nest, IFLA_IPVLAN_MODE, b"mode is one of")
        }));
    }

    #[test]
    fn ipvlan_flags_that_contradict_each_other_are_refused_by_name() {
        assert!(all([3, 4, 256, u16::MAX], |flags| {
            let nest = short(IFLA_IPVLAN_FLAGS, *flags);
            ipvlan_refuses(&nest, IFLA_IPVLAN_FLAGS, b"flags are")
        }));
    }

    #[test]
    fn ipvlan_numbers_that_are_cut_are_refused() {
        assert!(all([IFLA_IPVLAN_MODE, IFLA_IPVLAN_FLAGS], |id| {
            ipvlan(&Nest::new().with(*id, &[1])).is_none()
        }));
    }

    #[test]
    fn trust_is_on_off_or_not_said() {
        assert_eq!(trust(&Nest::new()), Ok(None));
        assert_eq!(trust(&number(IFLA_RNETVIRT_TRUST, 0)), Ok(Some(false)));
        assert_eq!(trust(&number(IFLA_RNETVIRT_TRUST, 1)), Ok(Some(true)));
    }

    #[test]
    fn trust_is_nothing_else() {
        assert!(all([2, 255, u32::MAX], |number_of| {
            trust(&number(IFLA_RNETVIRT_TRUST, *number_of)) == Err(EINVAL)
        }));
    }

    #[test]
    fn a_change_that_says_nothing_is_fine() {
        assert!(all(FLAVORS, |flavor| change(*flavor, &Nest::new()) == Ok(())));
    }

    #[test]
    fn a_flavor_is_not_changed() {
        assert!(all(FLAVORS, |flavor| {
            FLAVORS.into_iter().all(|to| {
                let wanted = if to == *flavor {
                    Ok(())
                } else {
                    Err(EOPNOTSUPP)
                };
                change(*flavor, &number(IFLA_RNETVIRT_FLAVOR, to.number())) == wanted
            })
        }));
    }

    #[test]
    fn a_link_has_no_settings_of_another_flavor() {
        let has = |flavor, id| match flavor {
            Flavor::Veth => id == IFLA_RNETVIRT_PEER,
            Flavor::Macvlan | Flavor::Macvtap => id == IFLA_RNETVIRT_MACVLAN,
            Flavor::Ipvlan | Flavor::Ipvtap => {
                [IFLA_RNETVIRT_IPVLAN, IFLA_RNETVIRT_TRUST].contains(&id)
            }
        };
        let ids = [
            IFLA_RNETVIRT_PEER,
            IFLA_RNETVIRT_MACVLAN,
            IFLA_RNETVIRT_IPVLAN,
            IFLA_RNETVIRT_TRUST,
        ];
        assert!(all(FLAVORS, |flavor| {
            ids.into_iter().all(|id| {
                let wanted = if has(*flavor, id) {
                    Ok(())
                } else {
                    Err(EINVAL)
                };
                change(*flavor, &number(id, 0)) == wanted
            })
        }));
    }
}
