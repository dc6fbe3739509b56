/* The wall clock, for whoever may look at one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970. */
int64_t clock_now_ms(void);
/* "2026-11-22T18:40:49Z"; `size` at least 24. */
void clock_format(int64_t ms, char *out, size_t size);
#define CLOCK_DAY_SIZE 16
/* A day since 1970 (UTC) as "2026-11-22". */
void clock_format_day(int64_t day, char out[CLOCK_DAY_SIZE]);
/* 0, or -EINVAL for whatever clock_format_day() does not write. */
int clock_parse_day(const char *text, int64_t *day);
