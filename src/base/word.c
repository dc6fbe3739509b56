#include "kiefs/word.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Words longer than this are not compared (bytes). */
#define WORD_MAX 40
/* Letters that may be wrong in a slip. */
#define SLIP_MAX 3

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t word_distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1];
	size_t a_len = strnlen(a, WORD_MAX + 1), b_len = strnlen(b, WORD_MAX + 1);

	if (strcasecmp(a, b) == 0)
		return 0;
	if (a_len > WORD_MAX || b_len > WORD_MAX || a_len > b_len + SLIP_MAX ||
		b_len > a_len + SLIP_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);
			size_t changed = diagonal + !same;

			diagonal = row[j];
			row[j] = least(changed, least(row[j], row[j - 1]) + 1);
		}
	}
	/* More than a third of the letters wrong is no slip any more. */
	return row[b_len] <= SLIP_MAX && row[b_len] * 3 <= least(a_len, b_len) ? row[b_len]
									       : SIZE_MAX;
}
