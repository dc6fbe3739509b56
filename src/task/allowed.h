/* What a field allows, in words. */
#pragma once

struct field;

/* `one of "1:1" or "16:9"`, `a whole number from 1 to 4`, `a web address (https://...) of an
 * image`: fits behind "it must be" and "give". Heap; NULL when out of memory. */
char *allowed_describe(const struct field *field);

/* "an image", "a video" ... for the kind of file the field takes. */
const char *allowed_media(const struct field *field);
