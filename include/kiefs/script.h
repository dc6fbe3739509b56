/* Values in a script that a browser runs: whatever a text holds, it stays a text. Pure. */
#pragma once

#include <stddef.h>

struct buf;

/*
 * A string literal, quotes and all, that means the same in JavaScript, JSON and inside HTML: what
 * could end a string, a line or a script is written as \uXXXX. Bytes that are no UTF-8 become
 * U+FFFD, each. All return 0 or the buffer's error.
 */
int script_add_text(struct buf *out, const char *text, size_t len);
/* The same of a C string; null for NULL. */
int script_add_string(struct buf *out, const char *text);
/* null where it is negative, which means unknown. */
int script_add_number(struct buf *out, double value);
/* The path of a file as a relative address, in a string literal: "/" parts names, and every other
 * byte is itself, whatever it is. */
int script_add_address(struct buf *out, const char *path);
