#include "sim_clock.h"

#include "kiefs/clock.h"

int64_t sim_clock_now_ms(struct sim_clock *clock)
{
	return clock_now_ms() + atomic_load(&clock->ahead_ms);
}

void sim_clock_advance(struct sim_clock *clock, int64_t ms)
{
	atomic_fetch_add(&clock->ahead_ms, ms);
}
