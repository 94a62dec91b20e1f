#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Provides a Rust-enabled kernel: downloads, configures, builds, caches.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--path] [$KERNELS_USAGE]
       $ME --source

Makes sure that the test kernel of that name (default: release) is built, and
prints its build directory, which is what KDIR= takes. With --path it prints the
directory where that kernel is or would be, and builds nothing. With --source it prints
the directory of their source.

  release    x86_64 for QEMU, no debugging: the figures come from here
  debug      the same with KASAN, lockdep, kmemleak, trackers, fault injection
  uml        user-mode Linux, for the fast inner loop
  uml-debug  user-mode Linux with the checks of debug
  wide, uml-wide
             release and uml with what the kernel's own tests of networking want
  stock      Debian's own for QEMU, not built here; stock-rt: see stock.sh

Kernels are kept in \$RNETVIRT_CACHE/kernels ($CACHE/kernels), one directory per
version, configuration and toolchain. JOBS= sets the number of parallel jobs.
TXT
}

# What fails in $(...) is not to be taken for an answer.
shopt -s inherit_errexit
path_only= source_only=
name=release
for a; do
	case $a in
	-h | --help) usage; exit 0 ;;
	--path) path_only=1 ;;
	--source) source_only=1 ;;
	*)
		is_kernel "$a" || bad_usage "unknown argument '$a'"
		name=$a
		;;
	esac
done

if is_stock "$name"; then
	[ -z "$path_only" ] || bad_usage "--path is for kernels that are built here"
	exec "$TOP/scripts/stock.sh" "$name"
fi
use_toolchain

SERIES=7.3
JOBS=${JOBS:-$(($(nproc) + 1))}
files=()
case $name in
release) arch=x86_64 fragments="common x86_64 release" image=arch/x86/boot/bzImage ;;
debug) arch=x86_64 fragments="common x86_64 debug debug_x86" image=arch/x86/boot/bzImage ;;
uml) arch=um fragments="common net uml uml_release" image=linux files=(uml.lds) ;;
uml-debug) arch=um fragments="common net uml debug uml_debug" image=linux files=(uml_debug.lds uml-stacktrace.c) ;;
wide) arch=x86_64 fragments="common net x86_64 release wide" image=arch/x86/boot/bzImage ;;
uml-wide) arch=um fragments="common net uml uml_release wide uml_wide" image=linux files=(uml.lds) ;;
esac

# The source: a Debian package of the suite that carries this series, fetched
# with a private apt configuration so that the machine's own stays as it is. The
# repository's address is the machine's own.
source_tree() {
	local download=$CACHE/apt/trixie-backports/download version deb tmp dir apt_opts

	# A tree that was unpacked completely is used as it is.
	for dir in "$CACHE"/src/linux-"$SERIES".*; do
		if [ -e "$dir/.complete" ]; then
			echo "$dir"
			return
		fi
	done
	lock source
	for dir in "$CACHE"/src/linux-"$SERIES".*; do
		if [ -e "$dir/.complete" ]; then
			echo "$dir"
			return
		fi
	done

	private_apt trixie-backports -o Dir::Etc::sourceparts=-
	mkdir -p "$download"
	version=$(apt-cache "${apt_opts[@]}" madison "linux-source-$SERIES" | awk 'NR == 1 { print $3 }')
	if [ -z "$version" ]; then
		die "the package linux-source-$SERIES is gone from its suite (there are: $(apt-cache "${apt_opts[@]}" pkgnames linux-source- |
			tr '\n' ' ')); rnetvirt builds against Linux $SERIES: pass such a build tree as KDIR="
	fi
	(cd "$download" && logged "downloading linux-source-$SERIES $version" "$CACHE/log/source.log" \
		apt-get "${apt_opts[@]}" download "linux-source-$SERIES=$version") >&2
	deb=$(ls -t "$download/linux-source-${SERIES}_"*.deb | head -n 1)
	tmp=$CACHE/src/.unpack
	rm -rf "$tmp"
	mkdir -p "$tmp"
	logged "unpacking the source" "$CACHE/log/unpack.log" sh -c "
		dpkg-deb --fsys-tarfile '$deb' | tar -C '$tmp' -xf - ./usr/src &&
		tar -C '$tmp' -xf '$tmp'/usr/src/linux-source-$SERIES.tar.xz" >&2
	dir=$CACHE/src/linux-${version//[^0-9A-Za-z.+-]/_}
	rm -rf "$dir"
	touch "$tmp/linux-source-$SERIES/.complete"
	mv "$tmp/linux-source-$SERIES" "$dir"
	rm -rf "$tmp" "$download"
	echo "$dir"
}

# Every line of the fragment must stand in .config as it is.
check_config() {
	local line opt bad=0

	while read -r line; do
		case $line in
		CONFIG_*=*) grep -qxF -- "$line" "$1/.config" || bad=1 ;;
		"# CONFIG_"*" is not set")
			opt=${line#\# }
			! grep -q "^${opt%% *}=" "$1/.config" || bad=1
			;;
		*) continue ;;
		esac
		if ((bad)); then
			die "the configuration line '$line' did not take effect (a dependency is missing?)"
		fi
	done <"$1/fragment"
}

src=$(source_tree)
if [ -n "$source_only" ]; then
	echo "$src"
	exit 0
fi
# Without the comments: who only writes better ones needs no new kernel.
fragment=$(for f in $fragments; do grep -E '^(CONFIG_|# CONFIG_.* is not set$)' "$TOP/scripts/kernel/$f.config"; done)
# For user-mode Linux a linker script in addition to the kernel's, see there; of its
# Makefile's variables this one reaches the link and nothing else. And where many traces
# of the stack are taken a faster way to take one: a file in the build directory comes
# before that of the source. It wants frame pointers, which stub.c cannot have: it returns
# from signals, with nothing of its own on the stack.
variables=()
for f in "${files[@]}"; do
	case $f in
	*.lds) variables+=("LDFLAGS_EXECSTACK=-z noexecstack -T $f") ;;
	# shellcheck disable=SC2016  # expanded by make
	uml-stacktrace.c) variables+=('CFLAGS_stub.o=$(CFLAGS_NO_HARDENING) -fomit-frame-pointer') ;;
	esac
done
key=$({
	printf '%s\n' "$(basename "$src")" "$TOOLCHAIN_ID" "$arch" "$fragment"
	for f in "${files[@]}"; do cat "$TOP/scripts/kernel/$f"; done
} | sha256sum | cut -c1-12)
out=$CACHE/kernels/$name-$key

if [ -n "$path_only" ] || [ -e "$out/.complete" ]; then
	echo "$out"
	exit 0
fi
lock "kernel-$name-$key"
if [ ! -e "$out/.complete" ]; then
	mkdir -p "$out"
	printf '%s\n' "$fragment" >"$out/fragment"
	for f in "${files[@]}"; do
		case $f in
		uml-stacktrace.c) install -Dm644 "$TOP/scripts/kernel/$f" "$out/arch/um/kernel/stacktrace.c" ;;
		*) cp "$TOP/scripts/kernel/$f" "$out/" ;;
		esac
	done
	kmake() { make -C "$src" O="$out" ARCH="$arch" "$@"; }
	# Exported, not passed: LLVM and LIBCLANG_PATH come from the toolchain's env.
	logged "configuring the $name kernel" "$out/configure.log" \
		kmake KCONFIG_ALLCONFIG="$out/fragment" allnoconfig >&2
	check_config "$out"
	logged "checking the Rust toolchain" "$out/rustavailable.log" kmake rustavailable >&2
	logged "building the $name kernel, 5 to 20 minutes on two cores" "$out/build.log" \
		kmake "${variables[@]}" -j"$JOBS" all >&2
	[ -e "$out/$image" ] || die "the build made no $image"
	ln -sfn "$image" "$out/image"
	touch "$out/.complete"
fi
echo "$out"
