/* Checking what a field says of earlier tasks. Private to the catalogue. */
#pragma once

struct error;
struct field;
struct scope;

/* 0, -EINVAL with a sentence, or -ENOMEM. */
int field_task_check(const struct scope *scope, const struct field *field, struct error *err);
