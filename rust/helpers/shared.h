/* SPDX-License-Identifier: GPL-2.0 */
/* What there is one of in the module, for helpers. */

#ifndef RNETVIRT_SHARED_H
#define RNETVIRT_SHARED_H

#include <linux/percpu.h>

/*
 * How many packets are on their way through another device's namespace, one inside the other, on this
 * CPU. With CONFIG_PREEMPT_RT another task's may come in between: there only the core counts, by task.
 */
DECLARE_PER_CPU(unsigned int, rnetvirt_routed);

#endif
