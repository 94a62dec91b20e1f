// SPDX-License-Identifier: GPL-2.0
/*
 * Reads what the driver's code counts when it is built with -Cinstrument-coverage:
 * each module that has the symbols of bounds.h is noted when it comes, and its
 * counters are kept when it goes.
 *
 *   debugfs rnetvirt_coverage/profraw  profiles of all that came, for llvm-profdata
 *   debugfs rnetvirt_coverage/hits     a byte for each counter of the modules that are
 *                                      there: how often since the last read, as a class
 */
#include <linux/bitops.h>
#include <linux/debugfs.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

/* LLVM's raw profile, version 10: LLVM 19 and 20. */
#define MAGIC (255ULL << 56 | (u64)'l' << 48 | (u64)'p' << 40 | (u64)'r' << 32 | \
	       (u64)'o' << 24 | 'f' << 16 | 'r' << 8 | 129)
#define VERSION 10

struct header {
	u64 magic, version, binary_ids, num_data, pad_before_cnts, num_cnts, pad_after_cnts,
		bitmap, pad_after_bitmap, names, cnts_delta, bitmap_delta, names_delta, vtables,
		vnames, last_kind;
};

/* One record of section __llvm_prf_data. */
struct record {
	u64 name, hash, cnts, bitmap, function, values;
	u32 num_cnts;
	u16 sites[3];
	u32 num_bitmap;
};
static_assert(sizeof(struct record) == 64);

struct image {
	struct list_head node;
	const struct module *mod;	/* NULL: has gone, the profile is kept */
	const void *begin[3], *end[3];
	u64 *last;			/* as at the last read of hits */
	void *profile;
	size_t size;
};
enum { CNTS, DATA, NAMES };
static const char * const sections[] = { "cnts", "data", "names" };

static LIST_HEAD(images);
static DEFINE_MUTEX(lock);
static struct dentry *dir;

static size_t length(const struct image *image, int what)
{
	return image->end[what] - image->begin[what];
}

static size_t profile_size(const struct image *image)
{
	return sizeof(struct header) + length(image, DATA) + length(image, CNTS) +
		ALIGN(length(image, NAMES), 8);
}

static void write_profile(const struct image *image, void *to)
{
	const struct header header = {
		.magic = MAGIC,
		.version = VERSION,
		.num_data = length(image, DATA) / sizeof(struct record),
		.num_cnts = length(image, CNTS) / sizeof(u64),
		.names = length(image, NAMES),
		.cnts_delta = (u64)image->begin[CNTS] - (u64)image->begin[DATA],
		.bitmap_delta = 0 - (u64)image->begin[DATA],
		.names_delta = (u64)image->begin[NAMES],
		.last_kind = 2,
	};

	memcpy(to, &header, sizeof(header));
	to += sizeof(header);
	memcpy(to, image->begin[DATA], length(image, DATA));
	to += length(image, DATA);
	memcpy(to, image->begin[CNTS], length(image, CNTS));
	to += length(image, CNTS);
	memcpy(to, image->begin[NAMES], length(image, NAMES));
}

static const void *find(const struct mod_kallsyms *kallsyms, const char *which, int what)
{
	char name[40];
	unsigned int i;

	snprintf(name, sizeof(name), "rnetvirt_%s_%s", sections[what], which);
	for (i = 0; i < kallsyms->num_symtab; i++)
		if (!strcmp(kallsyms->strtab + kallsyms->symtab[i].st_name, name))
			return (const void *)kallsyms->symtab[i].st_value;
	return NULL;
}

static void comes(const struct module *mod)
{
	const struct mod_kallsyms *kallsyms = rcu_dereference_raw(mod->kallsyms);
	struct image *image;
	int i;

	if (!find(kallsyms, "begin", CNTS))
		return;
	image = kzalloc(sizeof(*image), GFP_KERNEL);
	if (!image)
		return;
	for (i = 0; i < 3; i++) {
		image->begin[i] = find(kallsyms, "begin", i);
		image->end[i] = find(kallsyms, "end", i);
	}
	image->mod = mod;
	image->last = vzalloc(length(image, CNTS));
	if (WARN_ON(!image->last)) {
		kfree(image);
		return;
	}
	list_add_tail(&image->node, &images);
}

static void goes(const struct module *mod)
{
	struct image *image;

	list_for_each_entry(image, &images, node) {
		if (image->mod != mod)
			continue;
		image->mod = NULL;
		vfree(image->last);
		image->last = NULL;
		image->size = profile_size(image);
		image->profile = vzalloc(image->size);
		if (!WARN_ON(!image->profile))
			write_profile(image, image->profile);
	}
}

static int notified(struct notifier_block *block, unsigned long event, void *mod)
{
	mutex_lock(&lock);
	if (event == MODULE_STATE_COMING)
		comes(mod);
	else if (event == MODULE_STATE_GOING)
		goes(mod);
	mutex_unlock(&lock);
	return NOTIFY_OK;
}

static struct notifier_block block = { .notifier_call = notified };

/* A file's content is made when it is opened. */
struct content {
	size_t size;
	u8 bytes[];
};

static int profraw_open(struct inode *inode, struct file *file)
{
	struct content *content;
	struct image *image;
	size_t size = 0;

	mutex_lock(&lock);
	list_for_each_entry(image, &images, node)
		size += image->mod ? profile_size(image) : image->size;
	content = vzalloc(sizeof(*content) + size);
	if (content) {
		list_for_each_entry(image, &images, node) {
			if (image->mod) {
				write_profile(image, content->bytes + content->size);
				content->size += profile_size(image);
			} else if (image->profile) {
				memcpy(content->bytes + content->size, image->profile, image->size);
				content->size += image->size;
			}
		}
	}
	mutex_unlock(&lock);
	file->private_data = content;
	return content ? 0 : -ENOMEM;
}

static int hits_open(struct inode *inode, struct file *file)
{
	struct content *content;
	struct image *image;
	size_t size = 0, i;

	mutex_lock(&lock);
	list_for_each_entry(image, &images, node)
		if (image->mod)
			size += length(image, CNTS) / sizeof(u64);
	content = vzalloc(sizeof(*content) + size);
	if (content) {
		list_for_each_entry(image, &images, node) {
			const u64 *counts = image->begin[CNTS];

			if (!image->mod)
				continue;
			for (i = 0; i < length(image, CNTS) / sizeof(u64); i++) {
				u64 now = counts[i];

				content->bytes[content->size++] = min(fls64(now - image->last[i]), 8);
				image->last[i] = now;
			}
		}
	}
	mutex_unlock(&lock);
	file->private_data = content;
	return content ? 0 : -ENOMEM;
}

static ssize_t content_read(struct file *file, char __user *to, size_t count, loff_t *at)
{
	const struct content *content = file->private_data;

	return simple_read_from_buffer(to, count, at, content->bytes, content->size);
}

static int content_release(struct inode *inode, struct file *file)
{
	vfree(file->private_data);
	return 0;
}

#define CONTENT(name) \
	static const struct file_operations name##_ops = { \
		.owner = THIS_MODULE, \
		.open = name##_open, \
		.read = content_read, \
		.release = content_release, \
	}
CONTENT(profraw);
CONTENT(hits);

static int __init coverage_init(void)
{
	int err = register_module_notifier(&block);

	if (err)
		return err;
	dir = debugfs_create_dir("rnetvirt_coverage", NULL);
	debugfs_create_file("profraw", 0400, dir, NULL, &profraw_ops);
	debugfs_create_file("hits", 0400, dir, NULL, &hits_ops);
	return 0;
}
module_init(coverage_init);

static void __exit coverage_exit(void)
{
	struct image *image, *next;

	debugfs_remove(dir);
	unregister_module_notifier(&block);
	list_for_each_entry_safe(image, next, &images, node) {
		vfree(image->last);
		vfree(image->profile);
		kfree(image);
	}
}
module_exit(coverage_exit);

MODULE_DESCRIPTION("Coverage of rnetvirt by its tests");
MODULE_LICENSE("GPL");
