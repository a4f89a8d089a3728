/* version.h - the version of amig, that both commands tell */
#ifndef VM_BASE_VERSION_H
#define VM_BASE_VERSION_H

#define AMIG_VERSION "0.1.0"

#endif
