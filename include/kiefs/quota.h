/* What may be spent: the user's own limits, in credits. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quota {
	double per_task; /* negative: no limit */
	double per_day;	 /* negative: no limit */
	bool allow_unknown;
};

enum quota_verdict {
	QUOTA_FITS,
	QUOTA_TASK,    /* the request alone costs more than limit_per_task */
	QUOTA_NEVER,   /* it alone costs more than limit_per_day */
	QUOTA_DAY,     /* with what this day has cost it would be over limit_per_day */
	QUOTA_UNKNOWN, /* there is a limit, and nobody knows the price */
};

/* `price` negative: unknown. `spent` is what the day has cost so far, with what is under way. */
enum quota_verdict quota_check(const struct quota *quota, double price, double spent);
/* The same of the request alone, as it is written: QUOTA_TASK, QUOTA_NEVER or QUOTA_FITS. */
enum quota_verdict quota_check_alone(const struct quota *quota, double price);
bool quota_is_set(const struct quota *quota);

/* What a person must read about a verdict other than FITS; `lead` begins the first sentence:
 * "cat.txt was not sent". */
void quota_text(const struct quota *quota, enum quota_verdict verdict, const char *lead,
	double price, double spent, char *out, size_t size);

/* Days since 1970 begin at midnight UTC. */
int64_t quota_day(int64_t now_ms);
int64_t quota_day_end_ms(int64_t now_ms);
/* "12.5", "unknown" for a negative number. */
#define PRICE_SIZE 40
const char *price_text(double credits, char out[PRICE_SIZE]);
