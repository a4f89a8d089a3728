#include "vm/base/units.h"

#define US_A_SECOND INT64_C(1000000)
#define SECONDS_A_DAY INT64_C(86400)
#define FRACTION_DIGITS_MAX 9

struct unit {
	const char *name;
	int64_t size;
};

/* The longest first: printing takes the first that divides evenly. */
static const struct unit durations[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

static const struct unit sizes[] = {
	{ "B", 1 },
	{ "KB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 }, { "TB", INT64_C(1000000000000) },
	{ "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 }, { "TiB", INT64_C(1) << 40 },
};

/* "1_500", "1.5": the number as a whole part and a fraction in units of 10^-digits; the rest of the
 * text is the unit. */
static bool split_number(struct str text, int64_t *whole, int64_t *fraction, int64_t *scale,
			 struct str *unit)
{
	size_t i = 0, digits = 0;
	bool in_fraction = false;

	*whole = *fraction = 0;
	*scale = 1;
	for (; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '_' && digits > 0)
			continue;
		if (c == '.' && !in_fraction && digits > 0) {
			in_fraction = true;
			digits = 0;
			continue;
		}
		if (c < '0' || c > '9')
			break;
		if (in_fraction && digits == FRACTION_DIGITS_MAX)
			return false;
		if (__builtin_mul_overflow(in_fraction ? *fraction : *whole, 10,
					   in_fraction ? fraction : whole) ||
		    __builtin_add_overflow(in_fraction ? *fraction : *whole, c - '0',
					   in_fraction ? fraction : whole))
			return false;
		if (in_fraction)
			*scale *= 10;
		digits++;
	}
	*unit = (struct str){ text.ptr + i, text.len - i };
	return digits > 0;
}

static bool parse(struct str text, const struct unit *units, size_t count, int64_t *out)
{
	int64_t whole, fraction, scale, part;
	struct str unit;

	if (!split_number(text, &whole, &fraction, &scale, &unit))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!str_eq(unit, str_c(units[i].name)))
			continue;
		if (__builtin_mul_overflow(whole, units[i].size, out) ||
		    __builtin_mul_overflow(fraction, units[i].size, &part))
			return false;
		/* 1.5s is exact; 0.0001s is less than the smallest unit and refused. */
		return part % scale == 0 && !__builtin_add_overflow(*out, part / scale, out);
	}
	return false;
}

bool duration_parse(struct str text, int64_t *ms)
{
	return parse(text, durations, ARRAY_SIZE(durations), ms);
}

bool size_parse(struct str text, int64_t *bytes)
{
	return parse(text, sizes, ARRAY_SIZE(sizes), bytes);
}

void duration_print(struct buf *out, int64_t ms)
{
	if (ms == 0) {
		buf_text(out, "0s");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		if (ms % durations[i].size == 0) {
			buf_format(out, "%lld%s", (long long)(ms / durations[i].size),
				   durations[i].name);
			return;
		}
	}
}

/* The era arithmetic of 400-year cycles, in years that begin with March. */
int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

void date_of_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2 ? 1 : 0);
}

void timestamp_print(struct buf *out, int64_t us)
{
	int64_t seconds = us / US_A_SECOND - (us % US_A_SECOND < 0 ? 1 : 0);
	int64_t days = seconds / SECONDS_A_DAY - (seconds % SECONDS_A_DAY < 0 ? 1 : 0);
	int64_t in_day = seconds - days * SECONDS_A_DAY;
	int64_t year, month, day;

	date_of_days(days, &year, &month, &day);
	buf_format(out, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%06lldZ", (long long)year,
		   (long long)month, (long long)day, (long long)(in_day / 3600),
		   (long long)(in_day / 60 % 60), (long long)(in_day % 60),
		   (long long)(us - seconds * US_A_SECOND));
}

static bool digits_at(struct str s, size_t at, size_t count, int64_t *out)
{
	*out = 0;
	if (at + count > s.len)
		return false;
	for (size_t i = at; i < at + count; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		*out = *out * 10 + (s.ptr[i] - '0');
	}
	return true;
}

/* The part after the seconds: "", ".5", ".123456", then "Z" or nothing. */
static bool fraction(struct str rest, int64_t *us)
{
	int64_t scale = US_A_SECOND;

	*us = 0;
	if (rest.len > 0 && rest.ptr[rest.len - 1] == 'Z')
		rest.len--;
	if (rest.len == 0)
		return true;
	if (rest.ptr[0] != '.' || rest.len < 2 || rest.len > 7)
		return false;
	for (size_t i = 1; i < rest.len; i++) {
		if (rest.ptr[i] < '0' || rest.ptr[i] > '9')
			return false;
		scale /= 10;
		*us += (rest.ptr[i] - '0') * scale;
	}
	return true;
}

static int64_t month_days(int64_t year, int64_t month)
{
	int64_t next =
		month == 12 ? days_of_date(year + 1, 1, 1) : days_of_date(year, month + 1, 1);

	return next - days_of_date(year, month, 1);
}

bool timestamp_parse(struct str t, int64_t *us)
{
	int64_t year, month, day, hour, minute, second, part;

	if (t.len < 19 || t.ptr[4] != '-' || t.ptr[7] != '-' ||
	    (t.ptr[10] != 'T' && t.ptr[10] != ' ') || t.ptr[13] != ':' || t.ptr[16] != ':')
		return false;
	if (!digits_at(t, 0, 4, &year) || !digits_at(t, 5, 2, &month) ||
	    !digits_at(t, 8, 2, &day) || !digits_at(t, 11, 2, &hour) ||
	    !digits_at(t, 14, 2, &minute) || !digits_at(t, 17, 2, &second) ||
	    !fraction((struct str){ t.ptr + 19, t.len - 19 }, &part))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > month_days(year, month) || hour > 23 ||
	    minute > 59 || second > 59)
		return false;
	*us = ((days_of_date(year, month, day) * 24 + hour) * 60 + minute) * 60 * US_A_SECOND +
	      second * US_A_SECOND + part;
	return true;
}
