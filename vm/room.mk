# amigrun
PROGRAMS += amigrun
ROOMS += command
command.sources := $(wildcard vm/command/*.c)
command.rooms := run machine isa store connection driver base
command.libraries := -ljansson
amigrun.main := vm/amigrun.c
amigrun.rooms := command $(command.rooms)
