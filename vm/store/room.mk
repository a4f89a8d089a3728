ROOMS += store
store.sources := $(wildcard vm/store/*.c)
store.rooms := driver base
store.libraries :=
