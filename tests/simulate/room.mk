# The simulation: the runner and the store's logic over a simulated store, targets, network and clocks. The room's objects
# define the backends and the kinds of connections, so that the linker takes none from the archives; what asks the system for
# time, sleep, randomness and identity is led to system.c.
comma := ,
SIMULATE_FLAVOUR = $(if $(filter asan,$(FLAVOUR)),asan,simulate)
simulate.rooms := run machine isa store connection driver base
simulate.objects := $(patsubst %.c,$(B)/%.o,$(wildcard tests/simulate/*.c))
simulate.wraps := $(addprefix -Wl$(comma)--wrap=,os_monotonic_ms os_monotonic_us os_wall_us os_sleep_ms os_random \
	os_uuid os_read_file poll getpid gethostname run_is_told_to_end clock_gettime pthread_create pthread_join \
	pthread_mutex_lock pthread_cond_wait pthread_cond_timedwait pthread_cond_signal pthread_cond_broadcast)
ALL_OBJECTS += $(simulate.objects)
$(B)/simulate: $(simulate.objects) $(call archives,$(simulate.rooms))
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(simulate.wraps) $(call libraries,$(simulate.rooms))
SIMULATED := $(wildcard tests/simulate/migrations/*.amig)
$(B)/simulate.amb: $(B)/amigc $(SIMULATED)
	$(call say,AMIGC,$@)$(B)/amigc build $(SIMULATED) -o $@

SCHEDULES ?= 1000000
MUTANT_SCHEDULES ?= 100000
.PHONY: simulate simulate-mutants simulate-build
simulate: ## runs SCHEDULES (1000000) simulated runs with faults; SEED=s shows one of them
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=$(SIMULATE_FLAVOUR) simulate-build
	$(Q)$(BUILD)/$(SIMULATE_FLAVOUR)/simulate $(BUILD)/$(SIMULATE_FLAVOUR)/simulate.amb \
		$(if $(SEED),--seed $(SEED),--schedules $(SCHEDULES)) $(if $(MUTANT),--mutant $(MUTANT))
simulate-mutants: ## leaves out each guard of mutant.def: the simulation must notice within MUTANT_SCHEDULES (100000)
	$(Q)$(MAKE) $(JOBS) --no-print-directory FLAVOUR=$(SIMULATE_FLAVOUR) simulate-build
	$(Q)$(BUILD)/$(SIMULATE_FLAVOUR)/simulate $(BUILD)/$(SIMULATE_FLAVOUR)/simulate.amb \
		--mutants --schedules $(MUTANT_SCHEDULES)
simulate-build: $(B)/simulate $(B)/simulate.amb
