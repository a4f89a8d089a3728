/* grammar_format.c - no bytes break the formatter; what it lays out has the same tokens, which it
 * proves itself, and is left as it is when it comes again */
#include "tests/support/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct buf once = {0}, twice = {0};

	if (format_text((struct str){ size ? (const char *)bytes : "", size }, &once) &&
	    (!format_text(buf_view(&once), &twice) || !str_eq(buf_view(&once), buf_view(&twice))))
		BUG("laid out twice, it is not the same");
	buf_clear(&once);
	buf_clear(&twice);
	return 0;
}
