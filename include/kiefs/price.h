/* What a request costs, from the catalogue's price tables, at the request's own parameters. */
#pragma once

#include <cjson/cJSON.h>

struct model;

#define USD_PER_CREDIT 0.005

/*
 * `input` is the checked input object. Sets `*credits`: the price of the whole task by the first
 * row of the model's table that applies and whose units can be counted. A field that is missing
 * counts with its default.
 * Returns 0, or -ENODATA when the catalogue cannot tell, or -ENOMEM; `*credits` is then untouched.
 */
int price_of(const struct model *model, const cJSON *input, double *credits);
