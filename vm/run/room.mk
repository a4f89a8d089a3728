ROOMS += run
run.sources := $(wildcard vm/run/*.c)
run.rooms := machine isa store connection driver base
run.libraries := -ljansson -pthread
