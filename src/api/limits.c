#include "kiefs/limits.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Long before any time of a clock, and far enough from INT64_MIN to be subtracted from one. */
#define NEVER (INT64_MIN / 4)
#define MIN_RATE (1.0 / 60)
/* Of a token or a millisecond: no reason to wait another round. */
#define ROUNDING 1e-6

void window_init(struct window *window, int count, int64_t window_ms)
{
	if (count < 1)
		count = 1;
	if (count > WINDOW_MAX)
		count = WINDOW_MAX;
	*window = (struct window){.count = count, .window_ms = window_ms, .paused_until = NEVER};
	for (int i = 0; i < count; i++)
		window->at[i] = NEVER;
}

int64_t window_wait(const struct window *window, int64_t now)
{
	/* at[next] is the oldest of the last `count`: it must have left the window. */
	int64_t free_at = window->at[window->next] + window->window_ms;

	if (window->paused_until > free_at)
		free_at = window->paused_until;
	return free_at > now ? free_at - now : 0;
}

void window_take(struct window *window, int64_t now)
{
	window->at[window->next] = now;
	window->next = (window->next + 1) % window->count;
}

void window_pause(struct window *window, int64_t until)
{
	if (until > window->paused_until)
		window->paused_until = until;
}

void bucket_init(struct bucket *bucket, double rate, double burst, int64_t now)
{
	if (!(rate >= MIN_RATE))
		rate = MIN_RATE;
	if (!(burst >= 1))
		burst = 1;
	*bucket = (struct bucket){.rate = rate, .burst = burst, .tokens = burst, .at = now};
}

static double level(const struct bucket *bucket, int64_t now)
{
	double passed_s = now > bucket->at ? (double)(now - bucket->at) / 1000 : 0;
	double tokens = bucket->tokens + passed_s * bucket->rate;

	return tokens < bucket->burst ? tokens : bucket->burst;
}

int64_t bucket_wait(const struct bucket *bucket, int64_t now)
{
	double missing = 1 - level(bucket, now);

	return missing > ROUNDING ? (int64_t)ceil(missing * 1000 / bucket->rate - ROUNDING) : 0;
}

void bucket_take(struct bucket *bucket, int64_t now)
{
	bucket->tokens = level(bucket, now) - 1;
	if (now > bucket->at)
		bucket->at = now;
}

/* Any 32 bits to low..high, evenly. */
static int64_t spread(int64_t low, int64_t high, uint32_t random)
{
	return low + (int64_t)((double)(high - low) * ((double)random / (double)UINT32_MAX));
}

/* Delay by age; straight lines between the points, the last one is the cap. */
static const struct {
	int64_t age_ms, delay_ms;
} curve[] = {
	{30 * 1000, 5 * 1000},
	{120 * 1000, 10 * 1000},
	{121 * 1000, 15 * 1000},
	{600 * 1000, 30 * 1000},
	{6000 * 1000, 300 * 1000},
};

/* The first half minute, when an answer is worth most: films take longer than the rest. */
static int64_t first_delay(const char *category)
{
	if (category && strcmp(category, "video") == 0)
		return 3000;
	if (category && strcmp(category, "audio") == 0)
		return 2500;
	return 2000;
}

static int64_t delay_at(const char *category, int64_t age_ms)
{
	const size_t points = sizeof(curve) / sizeof(curve[0]);

	if (age_ms < curve[0].age_ms)
		return first_delay(category);
	for (size_t i = 1; i < points; i++) {
		if (age_ms >= curve[i].age_ms)
			continue;
		int64_t run = curve[i].age_ms - curve[i - 1].age_ms;
		int64_t rise = curve[i].delay_ms - curve[i - 1].delay_ms;
		return curve[i - 1].delay_ms + rise * (age_ms - curve[i - 1].age_ms) / run;
	}
	return curve[points - 1].delay_ms;
}

int64_t poll_delay(const char *category, int64_t age_ms, int64_t retry_after_ms, uint32_t random)
{
	int64_t delay = delay_at(category, age_ms);

	delay = spread(delay - delay / 5, delay + delay / 5, random);
	return delay > retry_after_ms ? delay : retry_after_ms;
}

int64_t backoff_delay(int attempt, int64_t first_ms, int64_t cap_ms, uint32_t random)
{
	int64_t delay = first_ms;

	for (int i = 1; i < attempt && delay < cap_ms; i++)
		delay *= 2;
	if (delay > cap_ms)
		delay = cap_ms;
	return spread(delay / 2, delay, random);
}
