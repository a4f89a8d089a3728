# amigc
PROGRAMS += amigc
ROOMS += compiler
compiler.sources := $(filter-out compiler/amigc.c,$(wildcard compiler/*.c))
compiler.generated := $(B)/compiler/stdlib.c $(B)/compiler/fingerprint.c
compiler.rooms := grammar isa base
# Of PostgreSQL's parser the archive is taken, so that amigc needs no library of it where it runs.
compiler.libraries := -l:libpg_query.a -lpcre2-8
amigc.main := compiler/amigc.c
amigc.rooms := compiler $(compiler.rooms)

compiler.modules := $(sort $(wildcard stdlib/*.amig))
$(B)/compiler/stdlib.c: compiler/embed.sh stdlib $(compiler.modules)
	@mkdir -p $(@D)
	$(call say,EMBED,$@)sh compiler/embed.sh $(compiler.modules) > $@

compiler.fingerprinted := $(sort $(wildcard grammar/* compiler/* vm/isa/* vm/base/* stdlib/*))
$(B)/compiler/fingerprint.c: compiler grammar vm/isa vm/base stdlib $(compiler.fingerprinted)
	@mkdir -p $(@D)
	$(call say,HASH,$@)sh compiler/fingerprint.sh $(compiler.fingerprinted) > $@
