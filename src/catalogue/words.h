/* Pieces of the generated texts. Failures stay in the buffer. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "kiefs/catalogue.h"

struct buf;

/* A value as code: `"16:9"`. */
void words_value(const cJSON *value, struct buf *out);
/* Pretty-printed, with a newline at the end. 0 or the buffer's error. */
int words_json(const cJSON *value, struct buf *out);
/* The section on a model's price. */
void words_price(const struct model *model, struct buf *out);

/* words_rule.c: what a field's conditions say, as sentences of a table's cell that holds something
 * already when it began before the end of `out`. */
void words_conditions(const struct field *field, size_t start, struct buf *out);
/* What several fields must be together: lines of a list. */
void words_checks(const struct model *model, struct buf *out);
/* A field's limits, without its type: "up to 5000 characters". */
void words_limits(const struct field *field, struct buf *out);

/* words_media.c: how files are given, as a section; nothing when the model takes none. `extension` is
 * that of a result. */
void words_media(const struct model *model, const char *extension, struct buf *out);
/* ... and how a model is used that needs one file and nothing else. */
void words_alone(const struct model *model, const char *extension, struct buf *out);
/* The first field that a bare prompt leaves to the files beside it; NULL: there is none. */
const struct field *words_beside(const struct model *model);

/* Whether any field (or one that it holds) takes such a file. */
bool model_takes_media(const struct model *model, enum media_kind kind, bool required_only);
