/* A file's bytes against the field that is to take it. */
#pragma once

#include "kiefs/media.h"
#include "kiefs/reference.h"

struct error;

/* 0; -ENODATA empty, -EFBIG, -EMEDIUMTYPE, each with `err`; -errno of reading. The first bytes say
 * what it is; only where they tell nothing, the name does. */
int media_check(int fd, const struct reference *reference, struct error *err);
