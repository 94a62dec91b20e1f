// SPDX-License-Identifier: GPL-2.0

//! What an endpoint may say that it is: its guard, which the lower device's administrator has given it.

pub(crate) mod checksum;
pub(crate) mod rules;
pub(crate) mod settings;
pub(crate) mod verdict;

pub(crate) use rules::Guard;
