/* The form of a model's price. */
#pragma once

struct error;
struct model;
struct scope;

int price_check(const struct scope *scope, const struct model *model, struct error *err);
