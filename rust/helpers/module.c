// SPDX-License-Identifier: GPL-2.0

#include <linux/capability.h>
#include <linux/moduleparam.h>

__rnetvirt_helper bool rnetvirt_helper_capable_sys_module(void)
{
	return capable(CAP_SYS_MODULE);
}

__rnetvirt_helper void rnetvirt_helper_kernel_param_lock(struct module *module)
{
	kernel_param_lock(module);
}

__rnetvirt_helper void rnetvirt_helper_kernel_param_unlock(struct module *module)
{
	kernel_param_unlock(module);
}

__rnetvirt_helper void rnetvirt_helper_log_unknown_choice(const char *name, int len)
{
	pr_err("rnetvirt: kinds=: there is no kind '%.*s', see modinfo -p rnetvirt\n", len, name);
}
