/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the compiler's sections begin and end. Sections of one name are put
 * together in the order of the objects: the first one and the last one have
 * symbols in them, and nothing else. What the compiler puts into groups (counters and
 * records) comes behind what it does not, so the last symbol is in a group, too.
 */
#define BOUND(section, flags, group, name) \
	asm(".pushsection " section ",\"" flags "\",@progbits" group "\n" \
	    ".globl " name "\n" \
	    ".type " name ", @object\n" \
	    ".size " name ", 0\n" \
	    name ":\n" \
	    ".popsection\n")
