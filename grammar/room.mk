ROOMS += grammar
grammar.sources := $(wildcard grammar/*.c)
grammar.generated := $(B)/grammar/amig.tab.c $(B)/grammar/amig.lex.c
grammar.rooms := base
grammar.libraries :=

# What bison and flex write is not ours to polish; our part of it are calls into scan.c and tree.c.
GENERATED_CFLAGS := -Wno-conversion -Wno-sign-conversion -Wno-cast-qual -Wno-sign-compare -Wno-undef -Wno-unused-function \
	-Wno-missing-prototypes -Wno-unused-but-set-variable

$(B)/grammar/amig.tab.c $(B)/grammar/amig.tab.h &: grammar/amig.y
	@mkdir -p $(@D)
	$(call say,BISON,$<)bison -Wall -Wcounterexamples -Werror --header=$(B)/grammar/amig.tab.h \
		-o $(B)/grammar/amig.tab.c $<
$(B)/grammar/amig.lex.c: grammar/amig.l
	@mkdir -p $(@D)
	$(call say,FLEX,$<)flex -o $@ $<
$(patsubst %.c,$(B)/%.o,$(grammar.sources)) $(B)/grammar/amig.tab.o $(B)/grammar/amig.lex.o: | $(B)/grammar/amig.tab.h
