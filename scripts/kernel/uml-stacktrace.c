// SPDX-License-Identifier: GPL-2.0
/*
 * Stands in for arch/um/kernel/stacktrace.c on kernels with checks. The kernel's
 * own looks for each word of the stack whether it is an address of code, and KASAN,
 * kmemleak and the trackers of references want a trace of each allocation: that is
 * most of what they cost. With frame pointers the callers are a list.
 */
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/stacktrace.h>
#include <linux/uaccess.h>
#include <asm/stacktrace.h>

#ifndef CONFIG_FRAME_POINTER
#error "without frame pointers there is no list"
#endif

/* A frame lies above the one it called, or, where that is an interrupt's, on the task's stack. */
static bool is_next(const struct task_struct *task, unsigned long frame, unsigned long from)
{
	unsigned long stack = (unsigned long)task_stack_page(task);
	unsigned long last = THREAD_SIZE - sizeof(struct stack_frame);

	if (frame % sizeof(long) || frame % THREAD_SIZE > last)
		return false;
	if (frame / THREAD_SIZE == from / THREAD_SIZE)
		return frame > from;
	return frame / THREAD_SIZE == stack / THREAD_SIZE;
}

/* Never to be inlined: one frame of this file is below those that callers see. */
static noinline void walk(struct task_struct *task, const struct stacktrace_ops *ops, void *data)
{
	struct pt_regs *regs = task == current ? task->thread.segv_regs : NULL;
	unsigned long frame = get_frame_pointer(task, regs);
	unsigned long from = (unsigned long)get_stack_pointer(task, regs);

	while (is_next(task, frame, from)) {
		const struct stack_frame *at = (const struct stack_frame *)frame;
		unsigned long address = READ_ONCE_NOCHECK(at->return_address);

		if (!address)
			break;
		ops->address(data, address, 1);
		from = frame;
		frame = (unsigned long)READ_ONCE_NOCHECK(at->next_frame);
	}
}

void dump_trace(struct task_struct *task, const struct stacktrace_ops *ops, void *data)
{
	walk(task ?: current, ops, data);
}

static void save(void *data, unsigned long address, int reliable)
{
	struct stack_trace *trace = data;

	if (trace->skip > 0)
		trace->skip--;
	else if (trace->nr_entries < trace->max_entries)
		trace->entries[trace->nr_entries++] = address;
}

static const struct stacktrace_ops saver = { .address = save };

void save_stack_trace(struct stack_trace *trace)
{
	walk(current, &saver, trace);
}
EXPORT_SYMBOL_GPL(save_stack_trace);

void save_stack_trace_tsk(struct task_struct *task, struct stack_trace *trace)
{
	walk(task, &saver, trace);
}
EXPORT_SYMBOL_GPL(save_stack_trace_tsk);
