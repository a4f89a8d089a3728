/*
 * fingerprint.h - which compiler this is
 *
 * Two amigc of the same fingerprint make the same bytes of the same sources, whatever machine and
 * flavour they were built for. It is a hash of amigc's own sources, made by fingerprint.sh.
 */
#ifndef COMPILER_FINGERPRINT_H
#define COMPILER_FINGERPRINT_H

extern const char compiler_fingerprint[];

#endif
