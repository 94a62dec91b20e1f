#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Tests on the host what headers.sh makes of trees, with packages and tools that are
# played; the real ones are tested by test-stock.sh.
. "$(dirname "$0")/../../common.sh"

case ${1-} in
'') ;;
-h | --help)
	echo "usage: $ME"
	echo
	echo "Shows scripts/headers.sh trees that are good and bad, and prints KTAP."
	exit 0
	;;
*) bad_usage "unknown argument '$1'" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export RNETVIRT_CACHE=$work/cache
unset KDIR RUSTC BINDGEN JOBS MAKEFLAGS
PATH=$work/bin:/usr/bin:/bin
release=7.3.4+test-amd64

fail() {
	echo "failed: $*"
	exit 1
}

# tool NAME: a command that does what standard input says.
tool() {
	{ echo '#!/bin/bash'; cat; } >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}

# A headers package as Debian's are, its source package, and the tools.
setup() {
	local kdir=$work/headers

	rm -rf "${work:?}"/*
	mkdir -p "$work/bin" "$kdir"/{include/{config,generated},arch,tools,scripts} "$work/common/include/uapi" \
		"$work/sysroot/lib/rustlib/src/rust/library/core" "$work/pack/linux-source-7.3"/{rust,scripts,drivers/{base,android}}
	echo 'include '"$work/common/Makefile" >"$kdir/Makefile"
	echo 'all:' >"$work/common/Makefile"
	mkdir "$work/common/scripts"
	printf 'CONFIG_%s=y\n' RUST MODULES NET INET NETFILTER >"$kdir/include/config/auto.conf"
	echo 'CONFIG_RUSTC_VERSION_TEXT="rustc 1.85.1 (played)"' >"$kdir/.config"
	echo 'CC = echo cc' >"$kdir/.kernelvariables"
	echo "$release" >"$kdir/include/config/kernel.release"
	touch "$kdir/include/generated"/{autoconf.h,rustc_cfg}
	printf '0x0\t%s\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' _Rfirst _Rsecond rust_helper_a printk >"$kdir/Module.symvers"
	tar -C "$work/pack" -cJf "$work/linux-source-7.3.tar.xz" linux-source-7.3
	tool bindgen <<<'echo bindgen 0'
	tool rustc <<-TXT
		case "\$*" in
		--version | -vV) echo "rustc 1.85.1 (played)" ;;
		"--print sysroot") echo "$work/sysroot" ;;
		esac
	TXT
	tool dpkg-query <<-TXT
		case "\$*" in
		*-L*linux-source-7.3) echo "$work/linux-source-7.3.tar.xz" ;;
		*linux-headers-$release | *linux-source-7.3) printf 7.3.4-1 ;;
		*) exit 1 ;;
		esac
	TXT
	# Kbuild: what it would leave in rust/.
	tool make <<-TXT
		case "\$*" in
		*rust-metadata)
			echo built >>"$work/builds"
			mkdir -p "\$2/rust"
			touch "\$2/rust"/{libkernel.rmeta,libmacros.so,libpin_init.rmeta}
			printf 'EXPORT_SYMBOL_RUST_GPL(%s);\n' \${EXPORTS:-_Rfirst _Rsecond rust_helper_a} >"\$2/rust/exports_kernel_generated.h"
			;;
		*) exec /usr/bin/make "\$@" ;;
		esac
	TXT
}

headers() { "$TOP/scripts/headers.sh" "${@:-$work/headers}"; }

# refused TEXT [ARGUMENT]: with a message that has TEXT, and nothing that counts is left.
refused() {
	local text=$1 got

	shift
	! got=$(headers "$@" 2>&1) || fail "not refused: $got"
	[[ $got == *"$text"* ]] || fail "got '$got', wanted '$text'"
	[ -z "$(find "$work/cache" -name .complete 2>/dev/null)" ] || fail "a bad tree counts"
}

test_a_headers_package_is_completed_once() {
	local kdir

	kdir=$(headers)
	[[ $kdir == "$work/cache/headers/$release"-*/obj ]] || fail "printed '$kdir'"
	[ -e "$kdir/rust/libkernel.rmeta" ]
	[ "$(headers)" = "$kdir" ]
	[ "$(wc -l <"$work/builds")" = 1 ] || fail "built again"
}
test_a_complete_tree_is_used_as_it_is() {
	mkdir "$work/headers/rust"
	touch "$work/headers/rust"/{libkernel.rmeta,libmacros.so,libpin_init.rmeta}
	[ "$(headers)" = "$work/headers" ]
	[ "$(headers "$(headers)")" = "$work/headers" ]
	[ ! -e "$work/builds" ]
}
test_another_compiler_or_package_is_built_for_anew() {
	local first

	first=$(headers)
	sed -i 's/7.3.4-1/7.3.4-2/' "$work/bin/dpkg-query"
	[ "$(headers)" != "$first" ]
	# Another checkout may have its own.
	[ -e "$first" ] || fail "what was used a moment ago is gone"
}
test_what_nobody_has_used_for_a_week_goes() {
	local first=$work/cache/headers/$release-0

	mkdir -p "$first/obj"
	touch -d '9 days ago' "$first"
	headers >/dev/null
	[ ! -e "$first" ] || fail "the old one is still there"
}
test_what_somebody_uses_stays() {
	local first

	first=$(headers)
	touch -d '9 days ago' "${first%/obj}"
	[ "$(headers)" = "$first" ]
	sed -i 's/7.3.4-1/7.3.4-2/' "$work/bin/dpkg-query"
	[ "$(headers)" != "$first" ]
	[ -e "$first" ] || fail "what was used a moment ago is gone"
}
test_of_headers_that_are_gone_nothing_stays() {
	local trees=$work/cache/headers made

	mkdir -p "$trees"/7.3.{1,2,3}-amd64-0/obj "$work/elsewhere"
	echo "$work/elsewhere" >"$trees/7.3.1-amd64-0/kdir"
	echo "$work/removed" | tee "$trees"/7.3.{2,3}-amd64-0/kdir >/dev/null
	touch -d '9 days ago' "$trees"/7.3.{1,2}-amd64-0
	made=$(headers)
	[ "$(cat "${made%/obj}/kdir")" = "$work/headers" ] || fail "it is not said of which headers the tree is"
	[ -e "$trees/7.3.1-amd64-0" ] || fail "one whose headers are there is gone"
	[ ! -e "$trees/7.3.2-amd64-0" ] || fail "one whose headers are gone is still there"
	[ -e "$trees/7.3.3-amd64-0" ] || fail "one that was used a moment ago is gone"
}
test_exports_that_are_not_the_kernels() { EXPORTS="_Rfirst _Rsecond rust_helper_a _Rmore" refused "(1 of 4 are not in it, 0 of it are missing here)"; }
test_exports_that_are_missing() { EXPORTS="_Rfirst rust_helper_a" refused "(0 of 2 are not in it, 1 of it are missing here)"; }
test_a_source_of_another_version() {
	sed -i 's/^\*linux-headers.*/*linux-headers*) printf 7.3.4-1 ;;\n*linux-source*) printf 7.3.4-2 ;;/' "$work/bin/dpkg-query"
	refused "linux-headers-$release is version 7.3.4-1, linux-source-7.3 is version 7.3.4-2: apt install linux-source-7.3=7.3.4-1"
}
test_no_source() {
	sed -i 's/ | \*linux-source-7.3)/)/; /-L/d' "$work/bin/dpkg-query"
	refused "linux-source-7.3 is not installed: apt install linux-source-7.3=7.3.4-1"
}
test_no_source_of_rust() {
	rm -r "$work/sysroot"
	refused "apt install rust-src"
}
test_another_rustc() {
	sed -i 's/1.85.1/1.96.0/' "$work/bin/rustc"
	refused "was built with 'rustc 1.85.1 (played)', but 'rustc 1.96.0 (played)' is on PATH"
}
test_no_rust_in_the_kernel() {
	sed -i /RUST/d "$work/headers/include/config/auto.conf"
	refused "apt install -t trixie-backports linux-image-amd64"
	rm "$work/headers/.kernelvariables"
	refused "enable it"
}
test_another_series() {
	echo 6.12.1 >"$work/headers/include/config/kernel.release"
	refused "is Linux 6.12.1, but rnetvirt is written for the interfaces of Linux 7.3"
	refused "is Linux 6.12.2, but rnetvirt is written for the interfaces of Linux 7.3" 6.12.2
}
test_no_headers() { refused "there are no headers of Linux 7.3.99-none: apt install linux-headers-7.3.99-none" 7.3.99-none; }
test_headers_of_no_package() {
	rm "$work/headers/.kernelvariables"
	refused "lacks rust/libkernel.rmeta"
}

# What it all is for. A target, so that no rnetvirt.ko is linked here.
test_the_module_is_built_with_so_many_jobs() {
	local got

	got=$(KDIR=$work/headers MAKE=echo "$TOP/scripts/build.sh" -- no_target 2>&1)
	[[ $got == *" -j$(($(nproc) + 1)) "*no_target ]] || fail "got '$got'"
	got=$(JOBS=7 KDIR=$work/headers MAKE=echo "$TOP/scripts/build.sh" -- no_target 2>&1)
	[[ $got == *" -j7 "*no_target ]] || fail "got '$got'"
}

# The toolchain of the test kernels is in packages that exclude it.
test_rustc_is_not_removed() {
	local got

	tool dpkg-query <<<'case "$*" in *web*) exit 1 ;; *) echo install ok installed 1 ;; esac'
	tool sudo <<<'[ "$1" = -n ] || exec "$@"'
	tool apt-cache <<<'echo "$2 | 1.85.0-1 | played"'
	tool apt-get <<-TXT
		case "\$*" in
		-s*) [ ! -e "$work/rustc-is-there" ] || echo 'Remv rustc [1.85.1]' ;;
		*update) ;;
		*)
			echo "\$*" >>"$work/apt"
			exit 1
			;;
		esac
	TXT
	touch "$work/rustc-is-there"
	! got=$("$TOP/scripts/provision.sh" --build 2>&1) || fail "not refused"
	[[ $got == *"apt would remove: rustc."* ]] || fail "got '$got'"
	[ ! -e "$work/apt" ] || fail "packages are installed all the same: $(cat "$work/apt")"
	# Without it they are; this time apt fails.
	rm "$work/rustc-is-there"
	! "$TOP/scripts/provision.sh" --build >/dev/null 2>&1 || fail "nothing was asked for"
	grep -q 'install.* rustc-web=1.85.0-1' "$work/apt" || fail "rustc-web is not asked for"
}

mapfile -t tests < <(sed -n 's/^\(test_[a-z0-9_]*\)() {.*/\1/p' "$0")
echo "KTAP version 1"
echo "1..${#tests[@]}"
number=0 failures=0
for test in "${tests[@]}"; do
	number=$((number + 1))
	setup
	# Not as a condition: that would switch set -e off inside.
	set +e
	output=$(
		set -e
		"$test" 2>&1
	)
	status=$?
	set -e
	if ((status == 0)); then
		echo "ok $number ${test#test_}"
	else
		failures=$((failures + 1))
		echo "not ok $number ${test#test_}"
		sed 's/^/# /' <<<"$output"
	fi
done
((failures == 0))
