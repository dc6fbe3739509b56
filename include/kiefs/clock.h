/* The wall clock, for whoever may look at one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970. */
int64_t clock_now_ms(void);
/* "2026-11-22T18:40:49Z"; `size` at least 24. */
void clock_format(int64_t ms, char *out, size_t size);
