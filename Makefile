# SPDX-License-Identifier: GPL-2.0
# Targets for people; the build itself is described in Kbuild, and each target is
# a script that can be called directly (scripts/NAME.sh --help).

KERNEL ?= release
VM ?= $(if $(filter debug,$(KERNEL)),uml,qemu)
kernels := release debug uml uml-debug wide uml-wide stock stock-rt
ifeq ($(filter $(KERNEL),$(kernels)),)
$(error KERNEL='$(KERNEL)' is not one of: $(kernels))
endif
ifeq ($(filter $(VM),qemu uml),)
$(error VM='$(VM)' is not one of: qemu uml)
endif
# Those for user-mode Linux are kernels of their own.
kernel := $(KERNEL)
ifeq ($(VM),uml)
kernel := $(patsubst debug,uml-debug,$(patsubst release,uml,$(KERNEL)))
endif
# Whether someone asked for a kernel.
asked := $(filter-out file undefined,$(origin KERNEL) $(origin VM) $(origin KDIR))
export KDIR RNETVIRT_CACHE JOBS LLVM

.PHONY: all
all: module plugin ## the module and the ip plugin (default)

.PHONY: module
module: ## rnetvirt.ko, against KDIR= or a kernel that is provided
	@scripts/build.sh $(kernel)

.PHONY: plugin
plugin: ## link_rnetvirt.so, with which ip understands the kind's options
	@scripts/plugin.sh

.PHONY: kernel
kernel: ## only the kernel of KERNEL=, kept in RNETVIRT_CACHE
	@scripts/provision.sh --build && scripts/kernel.sh $(kernel)

.PHONY: run
run: ## boot, and show links carrying traffic, of all flavors or of F=
	@scripts/run.sh $(if $(asked),--kernel $(kernel)) $(if $(F),--flavor $(F))

.PHONY: shell
shell: ## a shell in a guest with the module loaded
	@scripts/shell.sh --kernel $(kernel)

.PHONY: vm
vm: ## run CMD='...' in a guest; its exit status is make's
	@scripts/vm.sh --kernel $(kernel) $(if $(filter 0,$(RNETVIRT_INSMOD)),--no-insmod) -- "$$CMD"
# As it was typed: make would take a $ for one of its own.
override export CMD := $(value CMD)

# What the user has chosen; without a choice each test runs where it is fastest.
given := $(if $(filter-out undefined file,$(origin KERNEL) $(origin VM)),--kernel $(kernel))

# own-kernels: before a script that has kernels of its own.
own-kernels = $(if $(given),$(error $@ has kernels of its own: leave KERNEL= and VM= out))

.PHONY: test
test: ## all tests, or T='NAME...', each where it is fastest, or all on KERNEL=
	@scripts/test.sh $(given) $(T)

.PHONY: test-all
test-all: ## all tests on release, uml and uml-debug
	@$(own-kernels)status=0; for kernel in release uml uml-debug; do \
		scripts/test.sh --kernel $$kernel || status=1; done; exit $$status

.PHONY: test-repeat
test-repeat: ## N= times (default: 10) all tests, or T='NAME...', to find one that is flaky
	@scripts/test.sh $(given) --repeat $(or $(N),10) $(T)

.PHONY: test-stock
test-stock: ## the module on Debian's own kernels, as they are shipped
	@$(own-kernels)scripts/test-stock.sh

.PHONY: deb
deb: ## Debian packages for dkms and ip, in build/deb
	@scripts/deb.sh

.PHONY: test-deb
test-deb: ## install, boot, upgrade and purge the packages in a Debian 13
	@$(own-kernels)scripts/test-packages.sh

.PHONY: clients
clients: ## programs that make links of the old kinds, on the C drivers and on ours
	@$(own-kernels)scripts/clients.sh

.PHONY: selftests
selftests: ## the kernel's own tests of the old kinds, on the C drivers and on ours, all or T='NAME...'
	@scripts/selftests.sh $(given) $(T)

.PHONY: kunit
kunit: ## the KUnit suites alone
	@scripts/kunit.sh --kernel $(kernel)

.PHONY: bench
bench: ## measure against the C drivers, all rows or B='ROW...'
	@$(own-kernels)set -f; scripts/bench.sh $(B)

.PHONY: bench-check
bench-check: ## fail if a row takes over 1 % more instructions than its baseline
	@$(own-kernels)set -f; scripts/bench.sh --check $(B)

.PHONY: perf-asm
perf-asm: ## what a packet of flavor P= (default: veth) executes, in C and in ours
	@$(own-kernels)scripts/perf-asm.sh $(P)

.PHONY: parity
parity: ## compare flavor F= (default: veth) with the C driver, all scenarios or S='NAME...'
	@set -f; scripts/parity.sh --kernel $(kernel) $(if $(F),--flavor $(F)) $(S)

.PHONY: stress
stress: ## failing allocations, races and fuzz on the debug kernel, TIME= SEED= COUNT= F=
	@scripts/stress.sh $(given) $(if $(F),--flavor $(F)) $(if $(TIME),--time $(TIME)) $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT))

.PHONY: coverage
coverage: ## which lines of the driver all tests, or T='NAME...', reach
	@$(own-kernels)scripts/coverage.sh $(T)

.PHONY: check
check: ## formatter, clippy, rustdoc and the checks of the built objects
	@scripts/check.sh $(kernel)

.PHONY: clippy
clippy: ## clippy, with warnings as errors
	@scripts/clippy.sh $(kernel)

.PHONY: fmt
fmt: ## format the Rust sources
	@scripts/fmt.sh

.PHONY: fmt-check
fmt-check: ## fail if a Rust source is not formatted
	@scripts/fmt.sh --check

.PHONY: doc
doc: ## rustdoc of abstractions and driver, in build/doc
	@scripts/doc.sh $(kernel)

.PHONY: rust-analyzer
rust-analyzer: ## rust-project.json for editors
	@scripts/rust-analyzer.sh $(kernel)

.PHONY: install
install: ## the module into the running kernel's tree (or KDIR's), the plugin beside ip
	@scripts/install.sh

.PHONY: uninstall
uninstall: ## removes what install has installed, for the same kernel
	@scripts/install.sh --uninstall

.PHONY: clean
clean: ## remove what was built here; the cache stays
	rm -rf build rnetvirt.ko rust-project.json

.PHONY: help
help: ## this list
	@echo "Targets:"
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 18
	@echo "Variables:"
	@printf '%s\n' \
		"  KDIR=DIR        build tree of a Linux 7.3 with Rust; without it one is provided" \
		"  KERNEL=NAME     release (default), debug (KASAN, lockdep, kmemleak, ...) or" \
		"                  stock: Debian's own, as it is shipped (default of run)" \
		"  VM=NAME         qemu (default of release) or uml, user-mode Linux (of debug)" \
		"  CMD='...'       for vm: what to run in the guest" \
		"  T='NAME...'     for test, test-repeat, coverage, selftests: only these" \
		"  N=COUNT         for test-repeat: how often (10)" \
		"  B='ROW...'      for bench, bench-check: only these; patterns like 'veth/v4-*'" \
		"  P='FLAVOR'      for perf-asm" \
		"  F=FLAVOR        for run, parity, stress: the flavor" \
		"  S='NAME...'     for parity: only these scenarios; patterns like 'frame-*'" \
		"  TIME=S SEED=N COUNT=N  for stress: how long, what is drawn from, how many messages" \
		"  RNETVIRT_INSMOD=0  for vm: boot without loading the module" \
		"  DESTDIR=DIR     for install: below this directory" \
		"  RNETVIRT_CACHE=DIR where kernels and tools are kept (default: XDG cache directory)" \
		"  JOBS=N          parallel jobs (default: one more than there are CPUs)"
