// SPDX-License-Identifier: GPL-2.0

//! How much an endpoint may send and receive: its limits, which the lower device's administrator has given it.

pub(crate) mod bucket;
pub(crate) mod copies;
pub(crate) mod neighbours;
pub(crate) mod settings;
pub(crate) mod verdict;

pub(crate) use verdict::Limits;
