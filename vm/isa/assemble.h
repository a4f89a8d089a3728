/*
 * assemble.h - a module from text, without a compiler: for tests of verifier and machine, and for
 * fuzzers' seeds
 *
 * A line each; words are separated by blanks, texts are in quotes (\n \t \" \\ \xNN), `;` begins a
 * comment.
 *
 *   migration "name" ["description"]        depends "name"        versions "1.0.0" "1.9.0"
 *   need NAME KIND ["range"]                frozen NAME TYPE
 *   param NAME TYPE [default FUNCTION] [check FUNCTION]
 *   template NAME "piece" {TYPE "piece"}    check pre|health|post "label" FUNCTION [MS]
 *   setup FUNCTION    required FUNCTION     plan FUNCTION         leaves FUNCTION
 *   finally FUNCTION  on_complete FUNCTION  on_error FUNCTION
 *   operation "label" [on NEED] [options TYPE] {capture TYPE} forward FUNCTION
 *             [rollback FUNCTION] [irreversible "why"] [done FUNCTION] [flags NUMBER]
 *   function NAME [effect] {TYPE} -> TYPE   its parameters and result; then its code until `end`:
 *       local TYPE                          the next local
 *       NAME:                               a place to jump to
 *       OPCODE [a [b]]                      operands by their kind: a constant as "text", 12,
 *                                           1.5, 5m, v1.2.3, @MICROS; a type; a name or number
 *                                           of what the module has; value|row|rows|column|exists
 *       RAW NUMBER A B                      whatever it is
 *
 * What is used must have been declared above, but for functions and labels. Without `setup` and
 * `plan`, empty ones are added; without `migration` it is called "assembled".
 */
#ifndef VM_ISA_ASSEMBLE_H
#define VM_ISA_ASSEMBLE_H

#include "vm/isa/module.h"

/* Fills m, as for image_write(); its memory is m's (module_clear()). False: why says what and on
 * which line. */
bool assemble(struct str text, struct module *m, struct buf *why);
/* The same with all that follows: written as an image (malloc'd at *image, the caller's), opened,
 * not verified. */
bool assemble_module(struct str text, struct module *m, char **image, struct buf *why);

#endif
