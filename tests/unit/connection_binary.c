/* connection_binary.c - values of ClickHouse as bytes, as its servers read them */
#include "tests/unit/connection_test.h"
#include "vm/connection/clickhouse_binary.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/literal.h"

static const struct {
	const char *type, *field, *hex;	/* NULL: refused */
} values[] = {
	{ "Int8", "-1", "ff" },
	{ "UInt16", "258", "0201" },
	{ "Int64", "-9223372036854775808", "0000000000000080" },
	{ "UInt64", "18446744073709551615", "ffffffffffffffff" },
	{ "Int32", "x", NULL },
	{ "Int32", "", NULL },
	{ "Float64", "1.5", "000000000000f83f" },
	{ "Float64", "0.30000000000000004", "343333333333d33f" },
	{ "Float64", "-inf", "000000000000f0ff" },
	{ "Float32", "16777217", "0000804b" },
	{ "Float32", "1.5x", NULL },
	{ "Decimal(9, 2)", "-1.5", "6affffff" },
	{ "Decimal(18, 4)", "12.3400", "08e2010000000000" },
	{ "Decimal(38, 0)", "-1", "ffffffffffffffffffffffffffffffff" },
	{ "Decimal(38, 10)", "10000000000", "000010632d5ec76b0500000000000000" },
	{ "Decimal(9, 2)", "1.555", NULL },
	{ "Decimal(9, 2)", "12345678.00", NULL },
	{ "Decimal(9, 2)", "-", NULL },
	{ "String", "a\\tb", "03610962" },
	{ "String", "", "00" },
	{ "FixedString(2)", "ab", "6162" },
	{ "FixedString(2)", "abc", NULL },
	{ "Nullable(String)", "\\N", "01" },
	{ "Nullable(Int8)", "5", "0005" },
	{ "Int8", "\\N", NULL },
	{ "Date", "1970-01-02", "0100" },
	{ "Date", "2105-12-31", "08c2" },
	{ "Date", "0000-00-00", "0000" },
	{ "Date", "1969-12-31", NULL },
	{ "DateTime", "0000000258", "02010000" },
	{ "UUID", "01234567-89ab-cdef-0123-456789abcdef", "efcdab8967452301efcdab8967452301" },
	{ "UUID", "01234567", NULL },
	{ "Enum8('a' = 1, 'b\\'c' = -2)", "b\\'c", "fe" },
	{ "Enum16('a' = 300)", "a", "2c01" },
	{ "Enum8('a' = 1)", "b", NULL },
	{ "Array(UInt8)", "[]", "00" },
	{ "Array(UInt8)", "[1,2]", "020102" },
	{ "Array(Nullable(String))", "['a\\'b',NULL,'']", "03000361276201" "0000" },
	{ "Array(Array(UInt8))", "[[1],[]]", "02010100" },
	{ "Array(UInt8)", "[1", NULL },
	{ "Array(UInt8)", "[1]x", NULL },
};

static void each_value_is_what_the_server_reads(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct arena a = { 0 };
		struct stream_type type;
		struct buf out = { 0 }, hex = { 0 };
		bool good;

		clickhouse_type_read(&a, str_c(values[i].type), &type);
		good = clickhouse_binary_value(&type, str_c(values[i].field), &out);
		literal_hex(&hex, buf_view(&out));
		if (good != (values[i].hex != NULL) ||
		    (good && !str_eq(buf_view(&hex), str_c(values[i].hex))))
			fail_msg("%s into %s: %s", values[i].field, values[i].type,
				 good ? hex.ptr : "refused");
		buf_clear(&out);
		buf_clear(&hex);
		arena_clear(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_is_what_the_server_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
