/* The steps from one version of the index to the next. */
#include "store_private.h"

extern const char store_schema_1[];
extern const char store_schema_2[];
extern const char store_schema_3[];

const int store_schema_version = 3;

/* store_schema[n] takes version n to n + 1. */
const char *const store_schema[] = {store_schema_1, store_schema_2, store_schema_3};

_Static_assert(sizeof(store_schema) / sizeof(store_schema[0]) == 3, "one step per version");
