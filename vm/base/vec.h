/*
 * vec.h - a growing array of any type
 *
 * Declare as VEC(struct thing) things; {0} is empty. Elements move when it grows: keep indexes, not
 * pointers.
 */
#ifndef VM_BASE_VEC_H
#define VM_BASE_VEC_H

#include "vm/base/arena.h"

#define VEC(type) struct { type *at; size_t count; size_t room; }

#define vec_push(v, ...) \
	do { \
		if ((v)->count == (v)->room) { \
			(v)->room = (v)->room ? (v)->room * 2 : 8; \
			(v)->at = must_realloc((v)->at, arena_bytes(sizeof(*(v)->at), (v)->room)); \
		} \
		(v)->at[(v)->count++] = (__VA_ARGS__); \
	} while (0)

#define vec_clear(v) do { free((v)->at); (v)->at = NULL; (v)->count = (v)->room = 0; } while (0)

#endif
