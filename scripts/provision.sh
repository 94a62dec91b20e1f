#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Installs the tools that building and booting need, and writes down which.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--build | --guest | --selftests | --all]

Installs what is missing to build rnetvirt and its test kernels (--build), what is
needed to boot and measure (--guest), or both (--all, the default); with --selftests
both, and what the kernel's own tests of networking are linked with. Debian packages
come through apt-get (as root, or with sudo), bindgen through cargo, virtme-ng
through pip. Nothing is done for what is already there, and nothing that is there is
removed. The choice is written to \$RNETVIRT_CACHE/toolchain ($CACHE/toolchain).
TXT
}

what=all
case ${1:---all} in
--build | --guest | --selftests | --all) what=${1:---all} what=${what#--} ;;
-h | --help) usage; exit 0 ;;
*) bad_usage "unknown option '$1'" ;;
esac

BINDGEN_VERSION=0.72.1
VNG_VERSION=1.42

# Pairs of (rustc package version prefix, LLVM major) whose LLVM majors agree,
# as CONFIG_RUST_INLINE_HELPERS needs. The first that can be had is taken.
PAIRS="1.85.0:19 1.96.0:22"

BUILD_PKGS="make gcc libc6-dev flex bison bc libelf-dev libssl-dev cpio kmod xz-utils
	rsync python3 python3-venv perl ca-certificates"
RUN_PKGS="gcc libc6-dev python3 python3-venv cpio kmod xz-utils debootstrap busybox-static iproute2 iputils-ping iputils-arping ethtool iperf3 tcpdump
	nftables bridge-utils udev procps socat python3-yaml python3-scapy python3-pyroute2 python3-matplotlib"

installed() { dpkg-query -W -f '${Status} ${Version}\n' "$1" 2>/dev/null | grep -q "^install ok installed ${2:-}"; }

apt_opts=()
apt_updated=
refresh_lists() {
	command -v apt-get >/dev/null || die "this is not a Debian system; install by hand what scripts/provision.sh lists"
	[ -z "$apt_updated" ] || return 0
	logged "refreshing the package lists" "$CACHE/log/apt-update.log" as_root apt-get update
	apt_updated=1
}

apt_install() { # [-t SUITE] PACKAGE...
	refresh_lists
	logged "installing ${*%%=*}" "$CACHE/log/apt-install.log" \
		as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get "${apt_opts[@]}" -y --no-install-recommends --allow-downgrades install "$@"
}

# What apt would remove for the same.
would_remove() {
	# If it fails, so does what comes next, which says why.
	{ apt-get "${apt_opts[@]}" -s --no-install-recommends --allow-downgrades install "$@" 2>/dev/null || true; } |
		sed -n 's/^Remv \([^ ]*\) .*/\1/p' | xargs
}

# The full version of package $1 that starts with $2, or nothing.
candidate() { apt-cache madison "$1" 2>/dev/null | awk -v v="$2" 'index($3, v) == 1 { print $3; exit }'; }

mkdir -p "$CACHE/toolchain" "$CACHE/log"
lock provision

missing=()
case $what in
build) packages=$BUILD_PKGS ;;
guest) packages=$RUN_PKGS ;;
all) packages="$BUILD_PKGS $RUN_PKGS" ;;
selftests) packages="$BUILD_PKGS $RUN_PKGS libcap-dev libmnl-dev libnuma-dev bpftool" ;;
esac
for p in $packages; do
	installed "$p" || missing+=("$p")
done

# Debian 12's QEMU 7.2 lets one emulated CPU run what another has just written over, and its
# backports' does not. It comes from there, where a qemu-utils from there may be.
provide_qemu() {
	local suite packages=(qemu-system-x86) gone

	installed qemu-system-x86 && return
	[ -n "$(candidate qemu-system-x86 "")" ] || refresh_lists
	if [ -n "$(candidate qemu-system-x86 1:7.)" ]; then
		suite=$(. /etc/os-release && echo "$VERSION_CODENAME")-backports
		# A suite that the machine knows itself is not described to apt twice.
		if [[ $(apt-cache madison qemu-system-x86) == *" $suite/"* ]] || private_apt "$suite"; then
			packages=(-t "$suite" qemu-system-x86)
		else
			apt_opts=()
			say "$suite is not to be had: QEMU 7.2 is taken, with which guests need one thread for all CPUs (the default of vm.sh)"
		fi
	fi
	gone=$(would_remove "${packages[@]}")
	[ -z "$gone" ] || die "for ${packages[*]} apt would remove: $gone. Install QEMU yourself, or remove them"
	apt_install "${packages[@]}"
	apt_opts=()
}

# What boots guests: virtme-ng in a directory of its own.
vng_bin=$CACHE/toolchain/vng-$VNG_VERSION/bin/vng
provide_vng() {
	local venv=$CACHE/toolchain/vng-$VNG_VERSION

	if ! "$vng_bin" --version >/dev/null 2>&1; then
		rm -rf "$venv"
		logged "installing virtme-ng $VNG_VERSION" "$CACHE/log/vng.log" \
			sh -c "/usr/bin/python3 -m venv --system-site-packages '$venv' && '$venv/bin/pip' install virtme-ng==$VNG_VERSION"
	fi
	printf '# Written by scripts/provision.sh.\nexport VNG=%s\n' "$vng_bin" >"$CACHE/toolchain/guest"
}

if [ "$what" = guest ]; then
	((${#missing[@]} == 0)) || apt_install "${missing[@]}"
	provide_qemu
	provide_vng
	exit 0
fi

pick() {
	local pair r l v
	for pair in $PAIRS; do
		r=${pair%:*} l=${pair#*:}
		v=$(candidate rustc-web "$r")
		[ -n "$v" ] && [ -n "$(candidate "clang-$l" "")" ] && {
			echo "$r $l"
			return
		}
	done
}

choice=$(pick)
if [ -z "$choice" ]; then
	# The lists may simply be old or absent.
	refresh_lists
	choice=$(pick)
fi
[ -n "$choice" ] || die "no pair of rustc and clang with the same LLVM major among: $PAIRS"
read -r rust llvm <<<"$choice"

for p in rustc-web libstd-rust-web-dev "libstd-rust-web-${rust%.*}" rust-web-src cargo-web rust-web-clippy rustfmt-web; do
	# Rebuilds have a version of their own, but for what has no architecture.
	installed "$p" "$rust" || missing+=("$p=$(candidate "$p" "$rust")")
done
for p in clang lld llvm; do
	installed "$p-$llvm" || missing+=("$p-$llvm")
done
installed "libclang-$llvm-dev" || missing+=("libclang-$llvm-dev")

if ((${#missing[@]})); then
	# Debian's rustc and rustc-web exclude each other, and modules for a stock kernel need
	# the former: it is never removed for ours.
	gone=$(would_remove "${missing[@]}")
	[ -z "$gone" ] ||
		die "to build test kernels rustc-web $rust and clang $llvm are needed, for which apt would remove: $gone. For a module for this machine's kernel they are not needed (make module KDIR=running), nor for KERNEL=stock; else remove what is in the way yourself"
	apt_install "${missing[@]}"
fi
[ "$what" = build ] || provide_qemu

# A directory of links in front of PATH: exactly these tools, whatever else
# (a rustup toolchain, say) the machine has, and nothing else shadowed.
bin=$CACHE/toolchain/bin
mkdir -p "$bin"
for t in rustc rustdoc rustfmt clippy-driver cargo; do
	[ -x "/usr/bin/$t" ] || die "package for /usr/bin/$t did not bring it"
	ln -sfn "/usr/bin/$t" "$bin/$t"
done
libclang=/usr/lib/llvm-$llvm/lib
for t in "/usr/lib/llvm-$llvm/bin/"*; do
	ln -sfn "$t" "$bin/$(basename "$t")"
done

if ! "$bin/bindgen" --version 2>/dev/null | grep -qxF "bindgen $BINDGEN_VERSION"; then
	root=$CACHE/toolchain/bindgen-$BINDGEN_VERSION
	logged "building bindgen $BINDGEN_VERSION" "$CACHE/log/bindgen.log" \
		env PATH="$bin:$PATH" RUSTC="$bin/rustc" LIBCLANG_PATH="$libclang" CARGO_TARGET_DIR="$root/target" \
		"$bin/cargo" install --locked --force --root "$root" "bindgen-cli@$BINDGEN_VERSION"
	rm -rf "$root/target"
	ln -sfn "$root/bin/bindgen" "$bin/bindgen"
fi

if [ "$what" = all ]; then
	provide_vng
fi

cat >"$CACHE/toolchain/env.tmp" <<TXT
# Written by scripts/provision.sh.
export PATH="$bin:\$PATH"
export LLVM=-$llvm
export LIBCLANG_PATH=$libclang
export RUST_LIB_SRC=/usr/src/rustc-$rust/library
export VNG=$vng_bin
export TOOLCHAIN_ID="rustc $rust, clang $llvm, bindgen $BINDGEN_VERSION"
TXT
mv "$CACHE/toolchain/env.tmp" "$CACHE/toolchain/env"
say "toolchain: rustc $rust, clang $llvm, bindgen $BINDGEN_VERSION"
