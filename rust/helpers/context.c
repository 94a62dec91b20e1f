// SPDX-License-Identifier: GPL-2.0
/* Whether a context is what it is said to be, on kernels with lockdep. */

#ifdef CONFIG_PROVE_LOCKING
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>

__rnetvirt_helper void rnetvirt_helper_assert_rcu_section(void)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "rnetvirt: no RCU read-side section");
}

__rnetvirt_helper void rnetvirt_helper_assert_softirqs_disabled(void)
{
	lockdep_assert_in_softirq();
}

__rnetvirt_helper void rnetvirt_helper_assert_process(void)
{
	lockdep_assert(in_task());
}
#endif
