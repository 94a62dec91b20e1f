#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What the user sees in a guest that scripts/shell.sh boots: shell.sh RUN-DIRECTORY.
set -u
RUN=$1
# shellcheck source=scripts/guest/setup.sh
. "$(dirname "$0")/setup.sh"

[ -z "${TERMINAL_SIZE:-}" ] || stty rows "${TERMINAL_SIZE% *}" cols "${TERMINAL_SIZE#* }"
guest_setup || echo "the guest's setup failed; this is what there is" >&2
if load_module; then
	[ "$INSMOD" != 1 ] || echo "rnetvirt is loaded; try: ip link add v0 type rnetvirt && ip -d link show v0"
else
	echo "rnetvirt.ko is not loaded" >&2
fi
echo "Everything written here is gone when the shell ends (exit or Ctrl-D)."
export PS1='rnetvirt-guest:\w# '
exec bash --noprofile --norc -i
