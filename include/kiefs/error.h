/* What a person must read when something is refused: a code and whole sentences. */
#pragma once

/*
 * A zeroed struct is "no error". `code` is 0 or -errno. `text` is NULL or owned by the struct,
 * one sentence per line, without a newline at the end.
 */
struct error {
	int code;
	char *text;
};

/* Replaces what is there. Returns `code`. `err` may be NULL: then only the code is returned. */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds a sentence on a line of its own; the first code stays. Returns the code that stays. */
int error_add(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Never NULL: the text, or the errno's own words, or "". */
const char *error_text(const struct error *err);

/* Frees and zeroes; accepts NULL and a zeroed struct. */
void error_finish(struct error *err);
