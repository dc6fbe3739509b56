/* UTF-8 checks on text that goes to the API or becomes a name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* No NUL, no overlong form, no surrogate, nothing past U+10FFFF. */
bool utf8_is_valid(const char *text, size_t len);

/* Bytes of the character that the `left` (at least 1) bytes begin with; 0: it is none. */
size_t utf8_sequence(const char *text, size_t left);

/* Characters (code points) in valid UTF-8. */
size_t utf8_length(const char *text, size_t len);
