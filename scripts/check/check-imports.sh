#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Imports go down, from a layer to those below it.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [KERNEL]

Checks that no file of the driver, or of the abstractions, imports one of a layer above
its own, that circles are declared, and that Documentation/imports.svg and
imports-abstractions.svg are what the sources say; see imports.py --help.
TXT
}

kernel_argument "$@"
python3 "$TOP/scripts/check/imports.py" --check driver abstractions
