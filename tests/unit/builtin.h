/* The built-in catalogue, for programs whose tests all look at it. */
#pragma once

#include "kiefs/catalogue.h"

static struct catalogue *catalogue;

/* For cmocka_run_group_tests(). */
static int builtin_load(void **state)
{
	return catalogue_load(NULL, NULL, 0, &catalogue, NULL);
}

static int builtin_free(void **state)
{
	catalogue_destroy(catalogue);
	return 0;
}
