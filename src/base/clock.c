#include "kiefs/clock.h"

#include <time.h>

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
