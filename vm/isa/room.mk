ROOMS += isa
isa.sources := $(wildcard vm/isa/*.c)
isa.rooms := base
isa.libraries :=
