/* What a request costs, from the catalogue's price tables, at the request's own parameters. */
#pragma once

#include <cjson/cJSON.h>

struct model;

/*
 * `input` is the checked input object. Sets `*credits` (1 credit = 0.005 USD).
 * Returns 0, or -ENODATA when the catalogue cannot tell.
 */
int price_of(const struct model *model, const cJSON *input, double *credits);
