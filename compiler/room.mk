# amigc
PROGRAMS += amigc
ROOMS += compiler
compiler.sources := $(filter-out compiler/amigc.c,$(wildcard compiler/*.c))
compiler.rooms := grammar isa base
compiler.libraries := -lpcre2-8
amigc.main := compiler/amigc.c
amigc.rooms := compiler $(compiler.rooms)
