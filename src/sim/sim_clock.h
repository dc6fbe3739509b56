/* The simulator's clock: wall time in milliseconds, which tests may move ahead. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct sim_clock {
	_Atomic int64_t ahead_ms;
};

int64_t sim_clock_now_ms(struct sim_clock *clock);
/* `ms` may not be negative: the clock never runs back. */
void sim_clock_advance(struct sim_clock *clock, int64_t ms);
