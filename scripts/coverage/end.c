// SPDX-License-Identifier: GPL-2.0
#include "bounds.h"

BOUND("__llvm_prf_cnts", "awG", ",rnetvirt_end,comdat", "rnetvirt_cnts_end");
BOUND("__llvm_prf_data", "awG", ",rnetvirt_end,comdat", "rnetvirt_data_end");
BOUND("__llvm_prf_names", "a", "", "rnetvirt_names_end");
