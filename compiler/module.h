/*
 * module.h - files and what they use: loading, and the names that a file declares
 *
 * A module is loaded once a unit. Its declarations are all visible to who uses it, as MODULE.name,
 * and as methods of connections; its own `use`s are not handed on.
 */
#ifndef COMPILER_MODULE_H
#define COMPILER_MODULE_H

#include "compiler/unit.h"

/* Loads what the given files use, and what that uses, into unit.modules. */
void module_load_used(struct unit *u);
/* Of the unit's modules, the library of this name; NULL. */
struct unit_module *module_find(const struct unit *u, struct str name);
/* Makes the scope of a file: a symbol for each declaration and module that it uses. */
void module_declare(struct unit *u, struct unit_module *m);
/* The symbols of a file's own callables whose first parameter is of this connection type, by name;
 * NULL: none. Signatures must be known. */
struct symbol *module_method(const struct unit_module *m, uint32_t connection, struct str name);

#endif
