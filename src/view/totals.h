/* What a mount says of all its tasks and of money. */
#pragma once

struct totals {
	long running, queued, held, uncertain, done, failed; /* tasks */
	long sent;	     /* submissions since the mount was made */
	int rate;	     /* submissions that any 10 s may have */
	double spent, limit; /* credits of this day; `limit` -1: none */
	char credits[32];    /* the balance as it stands in the mount */
};

/* 0, or -errno: the mount cannot be read (any more). */
int totals_read(const char *root, struct totals *out);
