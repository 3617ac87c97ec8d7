# SPDX-License-Identifier: Apache-2.0
# The test rings. Every test speaks TAP; tests/run runs them under prove and counts.
#
#   unit   tests/unit/test_*.c (cmocka) and tests/unit/*.sh: host only, no root; once more under the sanitizers
#   cli    tests/cli/*.bats: verbs, options, exit statuses
#   fuzz   tests/fuzz/fuzz_*.c (libFuzzer), each for some seconds from its seeds in tests/fuzz/corpus
#   truth  tests/truth/*.bats: programs (tests/truth/programs) that keep a ledger, against what concprof says of them; root
#
# To add one: put a file in one of these places. Nothing is listed here.

test_unit_bin  := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
test_truth_bin := $(patsubst tests/truth/programs/%.c,$(B)/tests/truth/programs/%,$(sort $(wildcard tests/truth/programs/*.c)))
# A program that keeps a ledger is the measured one: no sanitizer, nothing of ours in it.
test_truth_cflags = -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -pthread

$(B)/libconcprof.a: $(lib_o)
	$(call msg,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

# The account's tests need headers only.
test_unit_alone := $(filter $(B)/tests/unit/test_account%,$(test_unit_bin))
test_unit_linked := $(filter-out $(test_unit_alone),$(test_unit_bin))
$(test_unit_linked): $(B)/libconcprof.a
$(test_unit_bin): $(B)/tests/unit/%: tests/unit/%.c $(B)/flags
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP $(LDFLAGS_ALL) $(EXPORT) -o $@ $< $(filter %.a,$^) -lcmocka $(lib_ldlibs)

$(B)/tests/truth/programs/%: tests/truth/programs/%.c $(B)/flags
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(test_truth_cflags) -MMD -MP -o $@ $< -lutil

# What reads strangers' files and records, built for libFuzzer; a target stands in for what it does not test. Clang may lack the library.
fuzz_bin   := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
fuzz_c     := $(wildcard user/lib/*.c user/symbols/*.c) $(addprefix user/profile/,check.c index.c run.c) \
	      $(addprefix user/trace/,episodes.c parked.c perf_records.c proc_maps.c spans.c stacks.c)
fuzz_o     := $(fuzz_c:%.c=$(B)/fuzz/%.o)
fuzz_flags := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
fuzz_cc     = $(CLANG) $(filter-out $(SANF),$(CFLAGS_ALL)) $(fuzz_flags)

$(B)/fuzz/usable: $(B)/flags
	$(Q)mkdir -p $(@D)
	$(Q)echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' | \
		$(CLANG) -fsanitize=fuzzer,address,undefined -x c -o $@.test - 2>/dev/null && echo yes >$@ || echo no >$@

$(fuzz_o): $(B)/fuzz/%.o: %.c $(B)/flags
	$(call msg,FUZZ,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(fuzz_cc) $(own_cflags) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
$(filter $(B)/fuzz/user/symbols/%.o,$(fuzz_o)): $(B)/syscalls_64.h $(B)/syscalls_32.h
$(B)/fuzz/user/lib/version.o: own_cflags = -DCONCPROF_VERSION='"$(VERSION)"'
$(B)/fuzz/libfuzzed.a: $(fuzz_o)
	$(Q)rm -f $@ && ar rcs $@ $^

$(fuzz_bin): $(B)/fuzz/%: tests/fuzz/%.c $(B)/fuzz/libfuzzed.a
	$(call msg,FUZZ,$<)
	$(Q)$(fuzz_cc) -fsanitize=fuzzer -Itests/unit -MMD -MP -o $@ $< $(B)/fuzz/libfuzzed.a $(lib_ldlibs)

-include $(test_unit_bin:=.d) $(test_truth_bin:=.d) $(fuzz_o:.o=.d) $(fuzz_bin:=.d)

test_jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
test_make = $(MAKE) --no-print-directory $(test_jobs)

.PHONY: test-unit-bin test-bin test-builds test-unit test-san test-cli test-truth fuzz fuzz-bin
test-unit-bin: $(test_unit_bin)
test-bin: $(BIN) $(test_unit_bin) $(test_truth_bin)
fuzz-bin: $(B)/fuzz/usable
	+$(Q)! grep -q yes $< || $(test_make) $(fuzz_bin)
# What the rings compare with: everything under the sanitizers; a kernel side that does not count every switch; and an interpreter
# lock that has another name. $(B), $(BIN) and CFLAGS go to the sub-make, which shares nothing with this one.
test_broken := B=build/broken BIN=build/broken/concprof BPF_EXTRA=-DCONCPROF_TEST_SKIP_SWITCH \
	CFLAGS=-DINTERPRETER_LOCK_SYMBOL=renamed_lock
test-builds:
	$(Q)$(test_make) test-bin
	$(Q)$(test_make) SAN=1 all test-unit-bin
	$(Q)$(test_make) $(test_broken) all
	$(Q)$(test_make) fuzz-bin

##@ Test
check: ## install what is missing, build, and run every test
	$(Q)tools/deps.sh build test
	$(Q)$(MAKE) --no-print-directory test

test: ## run every test, install nothing
	$(Q)$(MAKE) --no-print-directory test-builds
	$(Q)B=$(B) tests/run unit san fuzz cli truth

test-unit: test-unit-bin ## only the unit tests (SAN=1: under the sanitizers)
	$(Q)B=$(B) tests/run unit

test-san: ## only the unit tests, under address and undefined-behaviour sanitizers
	$(Q)$(test_make) SAN=1 test-unit

test-cli: test-bin ## only the tests of the command line
	$(Q)B=$(B) tests/run cli

fuzz: fuzz-bin ## what reads strangers' files and records, on damaged ones (FUZZ_SECONDS=60 a target)
	$(Q)B=$(B) FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) tests/run fuzz

test-truth: test-bin ## only the truth tests (root)
	$(Q)$(test_make) $(test_broken) all
	$(Q)B=$(B) tests/run truth

bench_bin := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(sort $(wildcard tests/bench/*.c)))
$(B)/tests/bench/%: tests/bench/%.c $(B)/flags
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(test_truth_cflags) -o $@ $< -lbpf

bench: $(BIN) $(bench_bin) ## print what measuring costs, about 4 minutes (root; BENCH=--quick, BENCH='--only ratios')
	$(Q)B=$(B) tests/bench/bench.py $(BENCH)
