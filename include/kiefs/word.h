/* Slips of the pen. Pure. */
#pragma once

#include <stddef.h>

/*
 * How far apart two words are: 0 when they differ in case only, else the number of letters to
 * change; SIZE_MAX when they are too different for one to be a slip of the other.
 */
size_t word_distance(const char *a, const char *b);
