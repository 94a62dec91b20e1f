#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Boots a guest and runs a command in it: everything that runs, runs through here.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [OPTION...] -- COMMAND
       $ME [OPTION...] --shell

Builds what is missing, boots a fresh guest (QEMU through virtme-ng, or user-mode
Linux), loads rnetvirt.ko and runs COMMAND, a line of bash, as root in it. The
guest sees this machine's files; what it writes stays in its memory. It has no
network but its own. ip knows the plugin; modprobe has the kernel's modules.

  --kernel K       release (default), debug, uml, uml-debug or stock; also KERNEL=, and VM=uml
  --insmod, --no-insmod
                   load rnetvirt.ko (default), or not; also RNETVIRT_INSMOD=0
  --build-only     build what is missing, boot nothing
  --no-build       take rnetvirt.ko and the plugin as they are
  --timeout S      COMMAND's time limit in seconds (default: $TIMEOUT)
  --cpus N         default: $cpus
  --memory M       default: 2G, of user-mode Linux 1G, which cannot have more
  --qemu-opts O    further options for QEMU, split at blanks; may be repeated
  --cmdline O      further words for the kernel's command line; may be repeated
  --env N=V        a variable for COMMAND; may be repeated
  --writable DIR   a directory of this machine to which COMMAND may write, at /run/host
                   (user-mode Linux only)
  --log FILE       the kernel's log (default: a new file in build/log)
  --root DIR       boot on the files in DIR, a Debian, instead of this machine's; in it is a
                   copy of scripts/, at the same path; the modules of a kernel that is not
                   Debian's are put there
  --shell          an interactive shell instead of a command

KDIR= takes a kernel build tree of your own instead of the project's. KVM is used
when a probe shows that a guest boots with it (RNETVIRT_KVM=0 or 1 decides).

Exit status: COMMAND's; but 101 when the kernel complained (a warning, a leak, ...,
see kmsg-check.sh), 102 when the guest died or did not come up, 124 when the time
was over; 1 when something could not be built, 2 for a wrong call.
TXT
}

kernel=$(asked_kernel) TIMEOUT=900 cpus=2 memory=''
INSMOD=${RNETVIRT_INSMOD:-1}
build=1 build_only='' shell='' root='' writable='' log='' command='' qemu_opts=() cmdline=() vars=()

while (($#)); do
	case $1 in
	--kernel | --timeout | --cpus | --memory | --qemu-opts | --cmdline | --env | --root | --writable | --log)
		(($# > 1)) || bad_usage "$1 wants a value"
		case $1 in
		--kernel) kernel=$2 ;;
		--timeout) TIMEOUT=$2 ;;
		--cpus) cpus=$2 ;;
		--memory) memory=$2 ;;
		--qemu-opts) qemu_opts+=("$2") ;;
		--cmdline) cmdline+=("$2") ;;
		--env) vars+=("$2") ;;
		--root) root=$(realpath -m "$2") ;;
		--writable) writable=$(realpath "$2") ;;
		--log) log=$(realpath -m "$2") ;;
		esac
		shift
		;;
	--insmod) INSMOD=1 ;;
	--no-insmod) INSMOD=0 ;;
	--no-build) build='' ;;
	--build-only) build_only=1 ;;
	--shell) shell=1 ;;
	-h | --help) usage; exit 0 ;;
	--)
		shift
		command=$*
		break
		;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	shift
done
known_kernel "$kernel"
case $INSMOD in
0 | 1) ;;
*) bad_usage "RNETVIRT_INSMOD is 0 or 1" ;;
esac
[[ $TIMEOUT =~ ^[1-9][0-9]*$ ]] || bad_usage "--timeout wants a number of seconds"
[[ $cpus =~ ^[1-9][0-9]*$ ]] || bad_usage "--cpus wants a number"
if is_uml "$kernel"; then
	memory=${memory:-1G}
else
	memory=${memory:-2G}
fi
[[ $memory =~ ^[1-9][0-9]*[MG]$ ]] || bad_usage "--memory wants a size like 2G"
# It would put modules out of reach of calls into the kernel, and insmod would spin.
if is_uml "$kernel" && (($(numfmt --from=iec "$memory") > 1 << 30)); then
	bad_usage "user-mode Linux cannot have more than 1G of memory"
fi
for var in "${vars[@]}"; do
	[[ $var =~ ^[A-Za-z_][A-Za-z_0-9]*= ]] || bad_usage "--env wants NAME=VALUE, not '$var'"
done
[ -z "$root" ] || [ -d "$root/usr" ] || bad_usage "--root: there is no Debian in $root"
[ -z "${RNETVIRT_COVERAGE:-}" ] || is_uml "$kernel" || bad_usage "coverage is measured on user-mode Linux"
[ -n "$shell$command$build_only" ] || bad_usage "no command"
[ -z "$shell" ] || [ -t 0 ] || bad_usage "--shell wants a terminal"

# --- what is needed -------------------------------------------------------

if is_stock "$kernel"; then
	needed=--guest file=guest use=use_guest_tools
else
	needed=--all file=env use=use_toolchain
fi
if [ ! -r "$CACHE/toolchain/$file" ]; then
	"$TOP/scripts/provision.sh" "$needed" >&2
fi
"$use"
if [ ! -x "$VNG" ] || ! command -v qemu-system-x86_64 >/dev/null; then
	"$TOP/scripts/provision.sh" "$needed" >&2
fi
PATH=$(dirname "$VNG"):$PATH:/usr/sbin:/sbin

MODULE_DIR=$(module_dir "$kernel")
PLUGIN=$TOP/build/iproute2/link_rnetvirt.so
# KDIR stays what the caller set: for build.sh it means a tree of the user's own.
if [ -n "${KDIR:-}" ]; then
	! is_stock "$kernel" || bad_usage "KDIR= is a kernel of your own, not $kernel"
	[ "$KDIR" != running ] || bad_usage "the running kernel's headers cannot be booted: KDIR= is a tree in which a kernel was built"
	KDIR=$(realpath "$KDIR") MODULE_DIR=$(module_dir custom) kdir=$KDIR
	arch=x86_64 image=$kdir/arch/x86/boot/bzImage
	if is_uml "$kernel"; then
		arch=um image=$kdir/linux
	fi
	[ -e "$image" ] || die "KDIR=$KDIR has no $image to boot"
else
	kdir=$("$TOP/scripts/kernel.sh" "$kernel")
	image=$kdir/image arch=x86_64
	! is_uml "$kernel" || arch=um
fi

# A build that goes well is not worth a screen of make's words.
build() {
	local out=$TOP/build/log/build-$$.log status=0

	mkdir -p "$TOP/build/log"
	"$TOP/scripts/build.sh" "$kernel" >"$out" 2>&1 || status=$?
	if ((status)) || grep -qi warning "$out"; then
		cat "$out" >&2
	fi
	rm -f "$out"
	((status == 0)) || exit "$status"
	if [ ! -e "$PLUGIN" ] || [ -n "$(find "$TOP/rust/iproute2" "$TOP/scripts/plugin.sh" -newer "$PLUGIN")" ]; then
		"$TOP/scripts/plugin.sh" >/dev/null
	fi
}
# Not as "... || build": set -e would not hold in it.
if [ -n "$build" ]; then
	build
fi
[ -z "$build_only" ] || exit 0

# The kernel's modules in the layout that modprobe wants, made once per kernel.
module_tree() {
	local key dir tmp

	key=$(cd "$kdir" && stat -c '%n %s %Y' modules.order Module.symvers | sha256sum | cut -c1-12)
	dir=$CACHE/modules/$(basename "$kdir")-$key
	if [ ! -e "$dir/.complete" ]; then
		lock modules
	fi
	if [ ! -e "$dir/.complete" ]; then
		rm -rf "$dir"
		tmp=$CACHE/modules/.new
		rm -rf "$tmp"
		logged "installing the $kernel kernel's modules" "$CACHE/log/modules.log" \
			make -C "$kdir" ARCH="$arch" INSTALL_MOD_PATH="$tmp" modules_install >&2
		touch "$tmp/.complete" || die "cannot write $tmp"
		mv "$tmp" "$dir" || die "cannot write $dir"
	fi
	echo "$dir/lib/modules/$(cat "$kdir/include/config/kernel.release")"
}
if is_stock "$kernel"; then
	# Not to be replaced under the guest.
	lock stock-root -s
	MODULES=$(realpath "$kdir/modules")
else
	MODULES=$(module_tree)
fi

if [ -n "$root" ] && ! is_stock "$kernel"; then
	mkdir -p "$root/usr/lib/modules"
	cp -rTu "$MODULES" "$root/usr/lib/modules/$(basename "$MODULES")"
fi

# --- the run's directory, which the guest reads ----------------------------

mkdir -p "$root$TOP/build/run" "$TOP/build/log"
run=$(mktemp -d "$root$TOP/build/run/$kernel.XXXXXX")
RUN=${run#"$root"} # as the guest sees it
fifos=$(mktemp -d "${TMPDIR:-/tmp}/rnetvirt-vm.XXXXXX")
if [ -z "$log" ]; then
	log=$TOP/build/log/vm-$kernel-$(date +%Y%m%d-%H%M%S)-$$.log
	# The last ones are enough.
	find "$TOP/build/log" -maxdepth 1 -name 'vm-*.log' -printf '%T@ %p\n' |
		sort -rn | tail -n +30 | cut -d' ' -f2- | xargs -r -d '\n' rm -f
fi
mkdir -p "$(dirname "$log")"
: >"$log"

# QEMU and all that belongs to it is one process group, which goes when we go.
vm='' keeper=''
# shellcheck disable=SC2317,SC2329  # called by the traps
finish() {
	local pid

	trap - EXIT INT TERM HUP
	if [ -n "$vm" ]; then
		kill -9 -- "-$vm" 2>/dev/null || true
		wait "$vm" 2>/dev/null || true
	fi
	for pid in $keeper $(jobs -p); do
		kill "$pid" 2>/dev/null || true
	done
	rm -rf "$run" "$fifos"
}
trap finish EXIT
trap 'finish; say "interrupted"; exit 130' INT TERM HUP

# Copies, so that a build meanwhile does not change what runs.
RNETVIRT_KO=$RUN/rnetvirt.ko
if [ -e "$MODULE_DIR/rnetvirt.ko" ]; then
	cp "$MODULE_DIR/rnetvirt.ko" "$run/rnetvirt.ko"
elif [ "$INSMOD" = 1 ]; then
	die "there is no $MODULE_DIR/rnetvirt.ko to load"
fi
if [ -e "$PLUGIN" ]; then
	cp "$PLUGIN" "$run/"
fi
printf '%s\n' "$command" >"$run/command"
[ -z "$writable" ] || echo "$writable" >"$run/writable"
! is_uml "$kernel" || : >"$run/uml"
if [ -n "${RNETVIRT_COVERAGE:-}" ]; then
	cp "$MODULE_DIR/rnetvirt_coverage.ko" "$run/"
	realpath "$RNETVIRT_COVERAGE" >"$run/coverage"
fi
{
	for name in TOP RUN KERNEL KDIR RNETVIRT_KO IP_LIB_DIR RNETVIRT_CACHE INSMOD TIMEOUT \
		RNETVIRT_GUEST TERMINAL_SIZE; do
		case $name in
		KERNEL) value=$kernel ;;
		KDIR) value=$kdir ;;
		IP_LIB_DIR) value=$RUN ;;
		RNETVIRT_CACHE) value=$CACHE ;;
		RNETVIRT_GUEST) value=1 ;;
		TERMINAL_SIZE) value=$([ -z "$shell" ] || stty size) ;;
		*) value=${!name} ;;
		esac
		printf 'export %s=%q\n' "$name" "$value"
	done
	for var in "${vars[@]}"; do
		printf 'export %s=%q\n' "${var%%=*}" "${var#*=}"
	done
} >"$run/env"

# The directories that are writable in the guest; what it writes is in its memory.
overlay() { # DIRECTORY NAME LOWER
	echo "overlay $1 overlay lowerdir=$3,upperdir=/run/overlay/$2/upper,workdir=/run/overlay/$2/work 0 0"
}
{
	for dir in etc usr var tmp; do
		overlay "/$dir" "$dir" "/$dir"
	done
	# The kernel's modules: a test may install its own and depmod.
	if [ -z "$root" ]; then
		echo "tmpfs /lib/modules tmpfs X-mount.mkdir 0 0"
		overlay "/lib/modules/$(cat "$kdir/include/config/kernel.release")" modules "$MODULES" |
			sed 's/ lowerdir=/ X-mount.mkdir,lowerdir=/'
	fi
} >"$run/fstab"

# --- the machine -----------------------------------------------------------

# An oops ends the run: what follows it says nothing. A stall is one only when
# it is longer than an emulated processor on a busy machine may take.
case "$(realpath "$TOP")/:$CACHE/:$kdir/" in
/run/* | *:/run/* | *:/dev/* | *:/proc/*) die "a guest cannot see what is below /run: $TOP, $CACHE or $kdir" ;;
*[[:space:]]*) die "a blank in a path cannot go through the kernel's command line: $TOP" ;;
esac
# What is taken from one of an allocator's arrays (sheaves) stays in that, where kmemleak finds it: of 16 objects
# that are lost it then sees one, or none. Caches that are checked have none.
! has_checks "$kernel" || cmdline+=(slab_debug=F)
cmdline=(ro oops=panic panic=-1 dummy.numdummies=0 printk.devkmsg=on log_buf_len=4M
	rcupdate.rcu_cpu_stall_timeout=60 "init=$TOP/scripts/guest/init.sh" "RNETVIRT_RUN=$RUN" "${cmdline[@]}")

# virtme-ng knows how to make a QEMU machine whose root is this machine's file
# tree; the kernel's command line is ours (see guest/init.sh for the reason).
# Nothing changes in that tree that the guest could miss, so it may cache.
vng=("$VNG" --force-9p --disable-microvm --user root --cpus "$cpus" --memory "$memory" --run "$image")
[ -z "$root" ] || vng+=(--root "$root")
[ -z "$writable" ] || vng+=("--qemu-opts=-fsdev local,id=writable,path=$(printf %q "$writable"),security_model=none"
	"--qemu-opts=-device virtio-9p-pci,fsdev=writable,mount_tag=writable")
! is_stock "$kernel" || vng+=("--qemu-opts=-initrd $(realpath "$kdir/initrd")")
nine=version=9p2000.L,trans=virtio,access=any,msize=512000,cache=loose
qemu_cmdline() { # WORD...
	printf -- '--qemu-opts=-append %q' "root=/dev/root rootfstype=9p rootflags=$nine $*"
}

# /dev/kvm may be there and yet boot nothing: only a guest that ran counts.
kvm_works() {
	local id answer probe=(-- echo kvm-boots) booted=kvm-boots

	# What virtme-ng runs on another kernel is out of reach for this one.
	if is_stock "$kernel"; then
		probe=(--verbose "$(qemu_cmdline panic=-1 console=ttyS0 loglevel=7)" -- true) booted='Run /init as init process'
	fi
	case ${RNETVIRT_KVM:-} in
	0) return 1 ;;
	1) return 0 ;;
	esac
	[ -r /dev/kvm ] && [ -w /dev/kvm ] || return 1
	id=$({ uname -srv; grep -m 1 'model name' /proc/cpuinfo; } | sha256sum | cut -c1-12)
	answer=$CACHE/kvm/$id
	if [ ! -e "$answer" ]; then
		mkdir -p "$CACHE/kvm"
		say "probing whether KVM boots a guest"
		if timeout -k 2 30 "${vng[@]}" "${probe[@]}" </dev/null 2>/dev/null | grep -E "$booted" >/dev/null; then
			echo yes >"$answer"
		elif ((PIPESTATUS[0] != 124)); then
			echo no >"$answer"
		fi
		# A busy machine may not have been done: then the next run asks again.
		say "KVM: $(cat "$answer" 2>/dev/null || echo "no guest in 30 s")"
	fi
	grep -qs yes "$answer"
}

if is_uml "$kernel"; then
	# Without seccomp its system calls go through ptrace, on one CPU only.
	uml=("$image" rootfstype=hostfs "rootflags=${root:-/}" "mem=$memory" seccomp=on "${cmdline[@]}")
	! grep -qx CONFIG_SMP=y "$kdir/include/config/auto.conf" || uml+=("ncpus=$cpus")
else
	# While a CPU is being identified the kernel forgets for a moment that it has five
	# levels of page tables; on the debug kernel an interrupt then is a KASAN report.
	cmdline+=(no5lvl)
	if ! kvm_works; then
		vng+=(--disable-kvm)
		# With a thread for each CPU, one may run for ever what another has just written over: QEMU 7.2
		# puts a block that it has translated meanwhile where the old one was. The kernel dies of an int3
		# that nobody placed ("Oops: int3"), in whatever static key or call changes while packets go by.
		[[ "${qemu_opts[*]}" = *-@(icount|accel)* ]] || qemu_opts+=("-accel tcg,thread=single")
		# A busy machine makes a guest take its clock for one that runs many times slower, and
		# then time flies: it is told the rate instead, which is this machine's.
		khz=$(awk '/^flags/ { tsc = / constant_tsc / } /^bogomips/ { rate = $3 * 500 }
			END { if (tsc) printf "%.0f", rate }' /proc/cpuinfo)
		[ -z "$khz" ] || [[ "${qemu_opts[*]}" = *-icount* ]] || cmdline+=("tsc_early_khz=$khz")
	fi
	for word in "${qemu_opts[@]}"; do
		vng+=("--qemu-opts=$word")
	done
fi

# --- an interactive shell --------------------------------------------------

verdict_of_the_log() {
	"$TOP/scripts/kmsg-check.sh" "$log" >"$run/complaints"
}

if [ -n "$shell" ]; then
	say "booting the $kernel kernel (its log: $log)"
	status=0
	if is_uml "$kernel"; then
		"${uml[@]}" con=null con0=fd:0,fd:1 console=ttyS0 ssl0=null,fd:3 RNETVIRT_SHELL=tty0 3> >(exec cat >"$log") || status=$?
	else
		"${vng[@]}" "$(qemu_cmdline "${cmdline[@]}" console=hvc0 loglevel=7 RNETVIRT_SHELL=ttyS0)" 2> >(exec cat >"$log") || status=$?
	fi
	if ! verdict_of_the_log; then
		cat "$run/complaints" >&2
		say "the kernel complained; its log: $log"
		exit 101
	fi
	exit "$status"
fi

# --- a command -------------------------------------------------------------

# Its output comes through pipes of its own; the kernel's console and whatever
# virtme-ng says goes to the log.
mkfifo "$fifos/out" "$fifos/err" "$fifos/log"
cat "$fifos/out" &
readers=$!
cat "$fifos/err" >&2 &
readers+=" $!"
cat "$fifos/log" >"$log" &
readers+=" $!"

if is_uml "$kernel"; then
	setsid "${uml[@]}" con=null ssl0=null,fd:3 ssl1=null,fd:4 con0=null,fd:1 \
		</dev/null >"$fifos/log" 2>&1 3>"$fifos/out" 4>"$fifos/err" &
else
	vng+=("--qemu-opts=-device virtio-serial-pci,id=rnetvirt")
	for port in out err; do
		vng+=("--qemu-opts=-chardev file,id=rn$port,path=$fifos/$port"
			"--qemu-opts=-device virtserialport,bus=rnetvirt.0,name=rnetvirt.$port,chardev=rn$port")
	done
	# The command here only tells virtme-ng that this is no interactive guest.
	setsid "${vng[@]}" --verbose \
		"$(qemu_cmdline "${cmdline[@]}" console=ttyS0 earlyprintk=serial,ttyS0,115200 loglevel=7)" -- true \
		</dev/null >"$fifos/log" 2>&1 &
fi
vm=$!
# Even if this shell is killed without a chance to clean up.
(
	trap - EXIT INT TERM HUP
	tail --pid=$$ -f /dev/null
	kill -9 -- "-$vm"
	rm -rf "$run" "$fifos"
) >/dev/null 2>&1 &
keeper=$!

# On a busy machine, under emulation: where nothing else runs it takes a tenth of that.
boot_limit=300
[ "$kernel" != debug ] || boot_limit=600
grace=120
! has_checks "$kernel" || grace=400
start=$SECONDS limit=$boot_limit ready='' overdue=''
say "booting the $kernel kernel (its log: $log)"
while kill -0 "$vm" 2>/dev/null; do
	# Once an alarm that was for somebody else came here, and the guest was given up.
	sleep 0.3 || true
	if [ -z "$ready" ] && grep -q 'rnetvirt-guest: ready' "$log"; then
		ready=$((SECONDS - start))
		limit=$((SECONDS - start + TIMEOUT + grace))
		say "up after $ready s"
	fi
	# The guest minds the command's time itself and can say what hangs; here
	# is the end for one that cannot even do that.
	if ((SECONDS - start > limit)); then
		overdue=1
		kill -9 -- "-$vm" 2>/dev/null || true
	fi
done
wait "$vm" 2>/dev/null || true
kill -9 -- "-$vm" 2>/dev/null || true
vm=''
# The readers end with the last byte; unless nobody ever opened the pipes.
for ((n = 0; n < 20; n++)); do
	# shellcheck disable=SC2086
	kill -0 $readers 2>/dev/null || break
	sleep 0.1
done

# It may have been up for less time than there is between two looks.
! grep -q 'rnetvirt-guest: ready' "$log" || ready=${ready:-$((SECONDS - start))}
status=$(sed -n 's/.*rnetvirt-guest: status \([0-9]*\).*/\1/p' "$log" | tail -n 1)

# failed STATUS TEXT: the verdict, below the log's end.
failed() {
	local status=$1

	shift
	{
		if ((status == 124)) && grep -q 'no end after' "$log"; then
			sed -n '/rnetvirt-guest: error: no end after/,$p' "$log" | head -n 300
		elif [ -s "$run/complaints" ]; then
			echo "--- the kernel's complaints:"
			head -n 200 "$run/complaints"
		else
			echo "--- the end of the kernel's log:"
			tail -n 40 "$log"
		fi
		echo "---"
	} >&2
	say "$* (the whole log: $log)"
	exit "$status"
}

panic=$(sed -n 's/.*\(Kernel panic - not syncing: .*\)/: \1/p' "$log" | head -n 1)
verdict_of_the_log || complaint=1
if grep -q 'rnetvirt-guest: error: no end after' "$log"; then
	failed 124 "the command did not end within $TIMEOUT s"
elif [ -n "$overdue" ] && [ -z "$ready" ]; then
	failed 102 "the guest did not come up within $boot_limit s"
elif [ -n "$overdue" ]; then
	failed 124 "the guest hangs: nothing came for $grace s after the command's time was over"
elif [ -z "$status" ] && grep -q 'rnetvirt-guest: error:' "$log"; then
	failed 102 "the guest ended early: $(sed -n 's/.*rnetvirt-guest: error: //p' "$log" | head -n 1)"
elif [ -z "$status" ] && [ -z "$ready" ]; then
	failed 102 "the guest did not come up$panic"
elif [ -z "$status" ]; then
	failed 102 "the guest died$panic"
elif [ -n "${complaint:-}" ]; then
	failed 101 "the kernel complained (the command's own status: $status)"
fi
exit "$status"
