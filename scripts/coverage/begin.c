// SPDX-License-Identifier: GPL-2.0
#include "bounds.h"

BOUND("__llvm_prf_cnts", "aw", "", "rnetvirt_cnts_begin");
BOUND("__llvm_prf_data", "aw", "", "rnetvirt_data_begin");
BOUND("__llvm_prf_names", "a", "", "rnetvirt_names_begin");
