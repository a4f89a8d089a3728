ROOMS += base
base.sources := $(wildcard vm/base/*.c)
base.rooms :=
base.libraries := -lxxhash
