# make bench: the floors, the machine alone, and the script that runs each figure beside its floor or peer
PROGRAMS += floor_sqlite floor_postgres compute
floor_sqlite.main := bench/floor_sqlite.c
floor_sqlite.rooms :=
floor_sqlite.libraries := -lsqlite3
floor_postgres.main := bench/floor_postgres.c
floor_postgres.rooms :=
floor_postgres.libraries := -lpq
compute.main := bench/compute.c
compute.rooms := machine isa base

.PHONY: bench
bench: ## runs the benchmarks, each beside its floor or peer; BENCH=name for one
	$(Q)tools/setup bench
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=release all
	$(Q)AMIG_TEST_FSYNC=on tests/support/with-servers --only postgres bench/run $(BUILD)/release $(BENCH)
