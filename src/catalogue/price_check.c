#include "price_check.h"

#include <string.h>

#include "condition_check.h"
#include "form.h"
#include "kiefs/catalogue.h"
#include "kiefs/condition.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct raw_price {
	const char *unit, *as_of, *note;
	const cJSON *table, *count, *characters, *per, *extra;
};

struct raw_row {
	const char *note;
	const cJSON *when, *count, *credits;
};

struct raw_extra {
	const char *field;
	const cJSON *credits;
	long free;
};

static const struct form_key price_keys[] = {
	{"unit", FORM_TEXT, offsetof(struct raw_price, unit), true},
	{"as_of", FORM_TEXT, offsetof(struct raw_price, as_of), false},
	{"note", FORM_TEXT, offsetof(struct raw_price, note), false},
	{"table", FORM_LIST, offsetof(struct raw_price, table), true},
	{"count", FORM_ANY, offsetof(struct raw_price, count), false},
	{"characters", FORM_TEXTS, offsetof(struct raw_price, characters), false},
	{"per", FORM_NUMBER, offsetof(struct raw_price, per), false},
	{"extra", FORM_OBJECT, offsetof(struct raw_price, extra), false},
};
static const struct form_key row_keys[] = {
	{"when", FORM_ANY, offsetof(struct raw_row, when), false},
	{"count", FORM_ANY, offsetof(struct raw_row, count), false},
	{"credits", FORM_NUMBER, offsetof(struct raw_row, credits), true},
	{"note", FORM_TEXT, offsetof(struct raw_row, note), false},
};
static const struct form_key extra_keys[] = {
	{"field", FORM_TEXT, offsetof(struct raw_extra, field), true},
	{"credits", FORM_NUMBER, offsetof(struct raw_extra, credits), true},
	{"free", FORM_COUNT, offsetof(struct raw_extra, free), false},
};

static int check_name(const struct scope *scope, const struct model *model, const char *key,
	const char *name, struct error *err)
{
	if (model_field(model, name))
		return 0;
	return form_fail(scope, err, "\"%s\" names \"%s\", and there is no such field.", key, name);
}

static int check_count(
	const struct scope *scope, const struct model *model, const cJSON *count, struct error *err)
{
	if (!count || cJSON_IsNull(count) || (cJSON_IsNumber(count) && count->valuedouble > 0))
		return 0;
	if (cJSON_IsString(count))
		return check_name(scope, model, "count", count->valuestring, err);
	return form_fail(scope, err,
		"\"count\" must be a field's name, a number above 0, or null "
		"when it is known only afterwards.");
}

static int check_row(const struct scope *scope, const struct model *model, const cJSON *object,
	struct error *err)
{
	struct level level = {model->fields, model->field_count, NULL, NULL};
	struct raw_row row = {0};
	int r = form_read(scope, object, row_keys, COUNT(row_keys), &row, err);

	if (r < 0)
		return r;
	if (row.credits->valuedouble < 0)
		return form_fail(scope, err, "\"credits\" cannot be negative.");
	r = condition_check(scope, "when", row.when, &level, false, err);
	return r < 0 ? r : check_count(scope, model, row.count, err);
}

int price_check(const struct scope *scope, const struct model *model, struct error *err)
{
	struct scope inner = {scope, "key", "price"};
	struct raw_price price = {0};
	struct raw_extra extra = {0};
	int r = form_read(&inner, model->price, price_keys, COUNT(price_keys), &price, err);

	if (r < 0)
		return r;
	r = check_count(&inner, model, price.count, err);
	if (r < 0)
		return r;
	if (!price.characters != !price.per || (price.per && price.per->valuedouble <= 0))
		return form_fail(&inner, err, "\"characters\" and \"per\" (above 0) go together.");
	for (const cJSON *i = price.table->child; i; i = i->next) {
		r = check_row(&inner, model, i, err);
		if (r < 0)
			return r;
	}
	if (!price.extra)
		return 0;
	r = form_read(&inner, price.extra, extra_keys, COUNT(extra_keys), &extra, err);
	return r < 0 ? r : check_name(&inner, model, "extra", extra.field, err);
}
