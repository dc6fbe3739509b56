/* The simulator's clock: wall time in milliseconds, which tests may move ahead. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct clock {
	_Atomic int64_t ahead_ms;
};

int64_t clock_now_ms(struct clock *clock);
/* `ms` may not be negative: the clock never runs back. */
void clock_advance(struct clock *clock, int64_t ms);
