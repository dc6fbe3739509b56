/* UTF-8 checks on text that goes to the API or becomes a name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* No NUL, no overlong form, no surrogate, nothing past U+10FFFF. */
bool utf8_is_valid(const char *text, size_t len);

/* Characters (code points) in valid UTF-8. */
size_t utf8_length(const char *text, size_t len);
