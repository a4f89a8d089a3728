ROOMS += machine
machine.sources := $(wildcard vm/machine/*.c)
machine.rooms := isa base
machine.libraries := -lpcre2-8 -ljansson -lm
