// SPDX-License-Identifier: GPL-2.0

//! The examples in the documentation of the abstractions: each is a test.

include!(concat!(
    env!("RNETVIRT_OBJTREE"),
    "/kunit/examples_generated.rs"
));
