#include "clock.h"

#include <time.h>

int64_t clock_now_ms(struct clock *clock)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + atomic_load(&clock->ahead_ms);
}

void clock_advance(struct clock *clock, int64_t ms)
{
	atomic_fetch_add(&clock->ahead_ms, ms);
}
