#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# usage: llvm-link-helpers.sh LLVM_LINK BITCODE ARGS...
# Runs LLVM_LINK with ARGS, and BITCODE as one more input at the end.
set -e
link=$1
extra=$2
shift 2
exec "$link" "$@" "$extra"
