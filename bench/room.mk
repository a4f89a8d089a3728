# make bench: the floors, the machine alone, and the script that runs each figure beside its floor or peer
PROGRAMS += floor_sqlite floor_postgres floor_clickhouse compute
floor_sqlite.main := bench/floor_sqlite.c
floor_sqlite.rooms :=
floor_sqlite.libraries := -lsqlite3
floor_postgres.main := bench/floor_postgres.c
floor_postgres.rooms :=
floor_postgres.libraries := -lpq
floor_clickhouse.main := bench/floor_clickhouse.c
floor_clickhouse.rooms :=
floor_clickhouse.libraries := -lpq -lcurl
compute.main := bench/compute.c
compute.rooms := machine isa base

.PHONY: bench beside compare
bench: ## runs the benchmarks, each beside its floor or peer; BENCH=name for one
	$(Q)tools/setup bench
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=release all
	$(Q)AMIG_TEST_FSYNC=on AMIG_TEST_LOG_MS=7500 tests/support/with-servers bench/run $(BUILD)/release $(BENCH)
beside: ## updates ROWS rows (10000000) of PostgreSQL beside a load of pgbench, killed twenty times; compares its latency
	$(Q)tools/setup bench
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=release all
	$(Q)AMIG_TEST_FSYNC=on tests/support/with-servers --only postgres bench/beside $(BUILD)/release $(ROWS)
compare: ## shows what becomes of an interrupted migration in amigrun and in other tools
	$(Q)tools/setup compare
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=release all
	$(Q)npm install --silent --no-audit --no-fund --prefix $(BUILD)/release/bench/npm @dbmate/linux-x64@2.36.0 \
		@dbos-inc/dbos-sdk@4.24.16 @dbos-inc/postgres-datasource@4.24.16
	$(Q)tests/support/with-servers --only postgres bench/compare/run $(BUILD)/release
