/* span.h - a place in a source: byte offsets, from `start` up to but not including `end` */
#ifndef GRAMMAR_SPAN_H
#define GRAMMAR_SPAN_H

#include <stdint.h>

struct span {
	uint32_t source;	/* number of the source in its struct sources */
	uint32_t start, end;
};

#endif
