/* isa.c - the tables of instructions and built-in functions, by number */
#include "vm/isa/isa.h"

const struct opcode_info opcode_table[256] = {
#define OPCODE(number, name, a, b, pops, pushes, world, sentence) \
	[number] = { #name, OPERAND_##a, OPERAND_##b, pops, pushes, WORLD_##world, sentence },
#include "vm/isa/opcodes.def"
#undef OPCODE
};

const struct builtin_info builtin_table[BUILTIN_MAX + 1] = {
#define BUILTIN(number, name, c_name, signature, doc) [number] = { #name, signature, doc },
#include "stdlib/builtins.def"
#undef BUILTIN
};
