// SPDX-License-Identifier: GPL-2.0

//! The settings of the guard, as a request says them and a dump shows them.

use super::rules::{
    Entry,
    Guard,
    Rules, //
};
use crate::{
    refusal::Refusal,
    uapi, //
};
use abstractions::net::nlattr::{
    total_size,
    Attr,
    AttrWriter,
    Binary,
    ExtAck,
    Field,
    NestTable,
    Nested,
    NestedAttrs,
    PolicyTable,
    U32, //
};
use kernel::prelude::*;

const RULES: Field<U32> = Field::new(uapi::IFLA_RNETVIRT_GUARD_RULES);
const CHANGE: Field<U32> = Field::new(uapi::IFLA_RNETVIRT_GUARD_CHANGE);
const LIST: Field<Nested> = Field::new(uapi::IFLA_RNETVIRT_GUARD_LIST);
const ENTRY: Field<Binary<17>> = Field::new(uapi::IFLA_RNETVIRT_GUARD_ENTRY);

const ATTRS: usize = uapi::IFLA_RNETVIRT_GUARD_MAX as usize + 1;

static POLICY: PolicyTable<ATTRS> = PolicyTable::new().with(&RULES).with(&CHANGE).with(&LIST);

/// What is to be done with the list.
#[derive(Clone, Copy)]
enum Change {
    Add,
    Remove,
    Flush,
    Set,
}

/// What a request says of the guard.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a> {
    pub(crate) rules: Option<Rules>,
    change: Option<Change>,
    list: Option<NestedAttrs<'a>>,
}

impl<'a> Settings<'a> {
    /// Parses and checks the nest.
    pub(crate) fn parse(nest: Attr<'a>, ack: &mut ExtAck<'_>) -> Result<Self> {
        let data = NestTable::parse_strict(nest, &POLICY, ack)?;
        let mut refuse = |id: u16, refusal: Refusal| Err(ack.refuse_attr(data.attr(id), refusal));
        let rules = match data.get(&RULES)?.map(Rules::parse) {
            Some(None) => return refuse(RULES.id(), Refusal::GuardRules),
            rules => rules.flatten(),
        };
        let list = data.get(&LIST)?;
        let change = match data.get(&CHANGE)? {
            None if list.is_none() => None,
            Some(uapi::RNETVIRT_GUARD_LIST_ADD) => Some(Change::Add),
            Some(uapi::RNETVIRT_GUARD_LIST_DEL) => Some(Change::Remove),
            Some(uapi::RNETVIRT_GUARD_LIST_FLUSH) => Some(Change::Flush),
            Some(uapi::RNETVIRT_GUARD_LIST_SET) => Some(Change::Set),
            _ => return refuse(CHANGE.id(), Refusal::GuardChange),
        };
        let is_entry = |(id, bytes)| id == ENTRY.id() && Entry::parse(bytes).is_some();
        if !list.into_iter().flat_map(NestedAttrs::iter).all(is_entry) {
            return refuse(LIST.id(), Refusal::GuardEntry);
        }
        Ok(Self {
            rules,
            change,
            list,
        })
    }

    /// Changes the list of `guard` as the request says.
    pub(crate) fn change_list(&self, guard: &mut Guard, ack: &mut ExtAck<'_>) -> Result {
        if matches!(self.change, Some(Change::Flush | Change::Set)) {
            guard.flush();
        }
        let entries = self.list.into_iter().flat_map(NestedAttrs::iter);
        for entry in entries.filter_map(|(_, bytes)| Entry::parse(bytes)) {
            match self.change {
                Some(Change::Add | Change::Set) => guard
                    .add(entry)
                    .map_err(|_| ack.refuse(Refusal::GuardIsFull))?,
                Some(Change::Remove) => guard.remove(entry),
                Some(Change::Flush) | None => {}
            }
        }
        Ok(())
    }
}

/// Room for what [`fill`] writes, in bytes.
pub(crate) fn fill_size(guard: &Guard) -> usize {
    guard
        .entries()
        .len()
        .saturating_mul(total_size(17))
        .saturating_add(total_size(4) + total_size(0))
}

/// Writes the settings, `IFLA_RNETVIRT_GUARD_*`.
pub(crate) fn fill(guard: &Guard, msg: &mut AttrWriter<'_>) -> Result {
    msg.put_u32(&RULES, guard.rules().number())?;
    if guard.entries().is_empty() {
        return Ok(());
    }
    msg.put_nest(&LIST, |msg| {
        for entry in guard.entries() {
            entry.with_bytes(|bytes| msg.put_bytes(&ENTRY, bytes))?;
        }
        Ok(())
    })
}
