// SPDX-License-Identifier: GPL-2.0
/*
 * Inline functions and macros of the kernel that Rust cannot call, each as a
 * one-line function. Where the kernel has CONFIG_RUST_INLINE_HELPERS this file
 * is compiled to LLVM bitcode and linked into the Rust objects, so that the
 * calls vanish; elsewhere it is an ordinary object.
 */
#include <linux/compiler_types.h>

#if defined(__BINDGEN__) || !defined(RNETVIRT_HELPERS_BITCODE)
/* bindgen does not see inline functions; a plain object needs real ones. */
#define __rnetvirt_helper
#else
/*
 * always_inline, because LLVM compares the attributes of caller and callee and
 * refuses on differences between rustc's and clang's spelling of one target.
 */
#define __rnetvirt_helper __always_inline
#endif

#include "bonding.c"
#include "context.c"
#include "drops.c"
#include "egress.c"
#include "ip.c"
#include "kunit.c"
#include "module.c"
#include "napi.c"
#include "netdevice.c"
#include "netpoll.c"
#include "rtnetlink.c"
#include "skbuff.c"
#include "stacked.c"
#include "tap.c"
#include "txq.c"
#include "xdp.c"
