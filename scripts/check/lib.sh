# SPDX-License-Identifier: GPL-2.0
# Sourced after common.sh by the scripts that look at a build of the module.
# shellcheck shell=bash

# kernel_argument ARGS...: the only argument of such a script is the name of a
# kernel, or --help. Sets `name`, and `out` to where build.sh builds for it.
kernel_argument() {
	(($# <= 1)) || bad_usage "too many arguments"
	name=release
	case ${1-} in
	'') ;;
	-h | --help) usage; exit 0 ;;
	*)
		is_kernel "$1" || bad_usage "unknown argument '$1'"
		name=$1
		;;
	esac
	[ -z "${KDIR:-}" ] || name=custom
	# shellcheck disable=SC2034
	out=$TOP/build/$name
}

# build LOG [MAKE-ARGUMENTS...]: builds for the kernel `name`, with make's output
# in LOG; what scripts report (progress, errors) is shown. Returns build.sh's status.
# Does nothing for the kernel BUILT, which is how check.sh says that it has built.
build() {
	local log=$1 args=()

	shift
	if (($# == 0)) && [ "${BUILT-}" = "$name" ]; then
		return
	fi
	mkdir -p "$(dirname "$log")"
	[ "$name" = custom ] || args+=("$name")
	"$TOP/scripts/build.sh" "${args[@]}" -- "$@" 2>&1 | tee "$log" |
		sed -un '/^[a-z-]*\.sh: built /d; /^[a-z-]*\.sh: /p' >&2
}

# The build directory of the kernel `name`; build() has provided it.
kernel_dir() {
	if [ "$name" = custom ]; then
		"$TOP/scripts/headers.sh" "$KDIR"
	else
		"$TOP/scripts/kernel.sh" "$name"
	fi
}

# The tools that built the module: the provided ones, or those of KDIR's owner.
tools() {
	[ "$name" = custom ] || use_toolchain
}

# llvm TOOL ARGS...: LLVM's TOOL, or binutils' where there is no LLVM.
llvm() {
	if command -v "llvm-$1" >/dev/null; then
		"llvm-$1" "${@:2}"
	else
		"$@"
	fi
}
