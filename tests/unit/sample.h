/* The bodies that were recorded or are documented: tests/data/samples. */
#pragma once

#include <stddef.h>

/* The text of NAME.json, heap; the test fails when it cannot be read. */
char *sample_read(const char *name);

/*
 * For main(): whether the program was asked, by `--names`, which bodies its tables read. It then
 * calls sample_names() for each table and ends. `first` is the name in the first of `count` rows of
 * `row_size` bytes. test_samples_named.py holds the names against the folder.
 */
int sample_names_wanted(int argc, char **argv);
void sample_names(const char *const *first, size_t count, size_t row_size);
