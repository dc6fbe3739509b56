#include "kiefs/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400

int64_t clock_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_format(int64_t ms, char *out, size_t size)
{
	time_t at = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void clock_format_day(int64_t day, char out[CLOCK_DAY_SIZE])
{
	time_t at = (time_t)(day * DAY_S);
	struct tm tm;

	if (!gmtime_r(&at, &tm) || strftime(out, CLOCK_DAY_SIZE, "%Y-%m-%d", &tm) == 0)
		*out = '\0';
}

/* Written again it must be the same: strptime() takes blanks, signs and 31 February. */
int clock_parse_day(const char *text, int64_t *day)
{
	char again[CLOCK_DAY_SIZE];
	struct tm tm = {0};

	if (!strptime(text, "%Y-%m-%d", &tm))
		return -EINVAL;
	int64_t found = (int64_t)timegm(&tm) / DAY_S;
	clock_format_day(found, again);
	if (strcmp(again, text) != 0)
		return -EINVAL;
	*day = found;
	return 0;
}
