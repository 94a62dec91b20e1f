// SPDX-License-Identifier: GPL-2.0
/*
 * What there is one of in the module. The helpers are not the place for it: where they are inlined,
 * each object has a copy of all that is static there.
 */

#include <linux/percpu.h>

#include "shared.h"

DEFINE_PER_CPU(unsigned int, rnetvirt_routed);
