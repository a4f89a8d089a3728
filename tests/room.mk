TEST_PROGRAMS += tests/support/proxy
tests/support/proxy.main := tests/support/proxy.c
tests/support/proxy.rooms := base

# What make tsan runs. libchdb's engine does not live with its allocator (vm/connection/chdb_engine.c).
THREADED := unit $(addprefix end_to_end/,at_once windows_at_once together copy_together copy_ahead copy batches stops health \
	workers unchanged) $(addprefix cluster/,hosts mutations) $(addprefix crash/,at_once windows)

# make check and its parts; each builds what it needs first, with the packages that are missing
.PHONY: check crash tsan asan golden demo fuzz docs model
check: ## installs what is missing, runs every test under the sanitizers, prints `N passed, N failed`; PART=… some parts
	$(Q)tools/setup test
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=asan all unit fuzz-programs simulate-build
	$(Q)$(MAKE) $(JOBS) --no-print-directory all
	$(Q)tests/check $(BUILD)/asan $(PART)
crash: ## the whole kill matrix and AMIG_SEEDS (50) broken networks of each kind, where check has a few; SCRIPT=name one script
	$(Q)tools/setup test
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=asan all unit
	$(Q)AMIG_CRASH=all AMIG_SEEDS=$(or $(AMIG_SEEDS),50) tests/check $(BUILD)/asan crash$(addprefix /,$(SCRIPT))
tsan: ## runs what has threads under ThreadSanitizer: unit and scripts of end_to_end, cluster, crash; SCRIPT=FOLDER/NAME one
	$(Q)tools/setup test
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=tsan all unit
	$(Q)tests/check $(BUILD)/tsan $(or $(SCRIPT),$(THREADED))
asan: ## builds programs and tests with AddressSanitizer and UBSan
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=asan all unit fuzz-programs
golden: all ## compares the golden files; CASE=SUITE/NAME writes that one anew
	$(Q)AMIG_BUILD=$(abspath $(B)) tests/golden/run $(if $(CASE),--update $(CASE))
docs: all ## writes docs/diagnostics.md from the tables of diagnostics
	$(Q)$(B)/amigc explain > docs/diagnostics.md
demo: ## installs what is missing, builds, and shows a migration killed and resumed on SQLite
	$(Q)tools/setup build
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=release all
	$(Q)tools/demo $(BUILD)/release
fuzz: ## runs each fuzz target for FUZZ_SECONDS (600); FUZZ_TARGET=name one of them
	$(Q)tools/setup work
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=fuzz fuzz-programs
	$(Q)tests/fuzz/run.sh $(BUILD)/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGET)
model: ## installs spin, checks the protocol of leases and fences exhaustively, and that each of its guards is needed
	$(Q)tools/setup model
	$(Q)tests/model/run.sh $(BUILD)/model
