#include "kiefs/quota.h"

#include <stdio.h>

#define DAY_MS 86400000
/* Sums of prices like 0.1 are off by less than this. */
#define SLACK 1e-6

bool quota_is_set(const struct quota *quota)
{
	return quota->per_task >= 0 || quota->per_day >= 0;
}

enum quota_verdict quota_check_alone(const struct quota *quota, double price)
{
	if (quota->per_task >= 0 && price > quota->per_task + SLACK)
		return QUOTA_TASK;
	if (quota->per_day >= 0 && price > quota->per_day + SLACK)
		return QUOTA_NEVER;
	return QUOTA_FITS;
}

enum quota_verdict quota_check(const struct quota *quota, double price, double spent)
{
	enum quota_verdict alone = quota_check_alone(quota, price);

	if (alone != QUOTA_FITS)
		return alone;
	if (price < 0 && quota_is_set(quota) && !quota->allow_unknown)
		return QUOTA_UNKNOWN;
	if (quota->per_day < 0)
		return QUOTA_FITS;
	/* What is known to cost nothing always fits; what may cost something needs room. */
	if (price < 0)
		return spent < quota->per_day - SLACK ? QUOTA_FITS : QUOTA_DAY;
	return price == 0 || spent + price <= quota->per_day + SLACK ? QUOTA_FITS : QUOTA_DAY;
}

const char *price_text(double credits, char out[PRICE_SIZE])
{
	if (credits < 0)
		snprintf(out, PRICE_SIZE, "unknown");
	else
		snprintf(out, PRICE_SIZE, "%.10g", credits);
	return out;
}

void quota_text(const struct quota *quota, enum quota_verdict verdict, const char *lead,
	double price, double spent, char *out, size_t size)
{
	char cost[PRICE_SIZE], limit[PRICE_SIZE], gone[PRICE_SIZE];

	price_text(price, cost);
	price_text(spent, gone);
	price_text(verdict == QUOTA_TASK ? quota->per_task : quota->per_day, limit);
	switch (verdict) {
	case QUOTA_TASK:
		snprintf(out, size,
			"%s: it would cost %s credits, and limit_per_task allows %s.\n"
			"Ask for less, or raise limit_per_task in the configuration and write "
			"reload to .kiefs/control.",
			lead, cost, limit);
		return;
	case QUOTA_NEVER:
		snprintf(out, size,
			"%s: it would cost %s credits, and limit_per_day allows %s on a whole "
			"day.\n"
			"Ask for less, or raise limit_per_day in the configuration and write "
			"reload to .kiefs/control.",
			lead, cost, limit);
		return;
	case QUOTA_DAY:
		snprintf(out, size,
			"%s: this day has cost %s credits, this would cost %s, and "
			"limit_per_day allows %s.\n"
			"It goes out by itself after midnight UTC, or when limit_per_day is raised "
			"and reload written to .kiefs/control.",
			lead, gone, cost, limit);
		return;
	case QUOTA_UNKNOWN:
		snprintf(out, size,
			"%s: its price is not known, and there is a limit on what may be spent.\n"
			"With unknown_price=allow in the configuration it goes out after reload is "
			"written to .kiefs/control.",
			lead);
		return;
	case QUOTA_FITS:
		break;
	}
	snprintf(out, size, "%s.", lead);
}

int64_t quota_day(int64_t now_ms)
{
	return now_ms / DAY_MS;
}

int64_t quota_day_end_ms(int64_t now_ms)
{
	return (quota_day(now_ms) + 1) * DAY_MS;
}
