#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# A shell in a fresh guest with rnetvirt loaded.
. "$(dirname "$0")/common.sh"

case ${1-} in
-h | --help)
	cat <<TXT
usage: $ME [OPTION...]

Builds what is missing, boots a guest, loads rnetvirt.ko and gives a root shell
in it. Takes the options of vm.sh (see vm.sh --help).
TXT
	exit 0
	;;
esac
exec "$TOP/scripts/vm.sh" "$@" --shell
