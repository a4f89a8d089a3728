ROOMS += grammar
grammar.sources := $(wildcard grammar/*.c)
grammar.generated := $(B)/grammar/amig.tab.c $(B)/grammar/amig.lex.c
grammar.rooms := base
grammar.libraries :=
