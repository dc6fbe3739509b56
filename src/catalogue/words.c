#include "words.h"

#include <errno.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/condition.h"
#include "kiefs/price.h"

void words_value(const cJSON *value, struct buf *out)
{
	char *text = cJSON_PrintUnformatted(value);

	if (!text) {
		out->error = out->error ? out->error : -ENOMEM;
		return;
	}
	buf_adds(out, "`");
	for (const char *at = text; *at; at++)
		buf_addf(out, *at == '|' ? "\\%c" : "%c", *at);
	buf_adds(out, "`");
	cJSON_free(text);
}

int words_json(const cJSON *value, struct buf *out)
{
	char *text = cJSON_Print(value);

	if (!text)
		return out->error = out->error ? out->error : -ENOMEM;
	buf_addf(out, "%s\n", text);
	cJSON_free(text);
	return out->error;
}

static bool takes_media(const struct field *field, enum media_kind kind)
{
	if (field->media == kind || (field->item && takes_media(field->item, kind)))
		return true;
	for (size_t i = 0; i < field->member_count; i++)
		if (takes_media(&field->members[i], kind))
			return true;
	return false;
}

bool model_takes_media(const struct model *model, enum media_kind kind, bool required_only)
{
	for (size_t i = 0; i < model->field_count; i++)
		if ((model->fields[i].required || !required_only) &&
			takes_media(&model->fields[i], kind))
			return true;
	return false;
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void add_credits(double credits, struct buf *out)
{
	buf_addf(out, "%.6g credits (%.4g USD)", credits, credits * USD_PER_CREDIT);
}

/* "resolution is "1K" and n is not given", or "always" */
static void add_condition(const cJSON *row, struct buf *out)
{
	const cJSON *when = member(row, "when"), *note = member(row, "note");
	size_t start = out->len;

	if (when)
		condition_words(when, out);
	if (note)
		buf_addf(out, "%s%s", out->len > start ? ", " : "", note->valuestring);
	if (out->len == start)
		buf_adds(out, "always");
}

static void add_table(const cJSON *price, struct buf *out)
{
	const cJSON *row;

	buf_addf(out, "| When | Credits for each %s | USD |\n| --- | --- | --- |\n",
		member(price, "unit")->valuestring);
	cJSON_ArrayForEach(row, member(price, "table"))
	{
		double credits = member(row, "credits")->valuedouble;
		const cJSON *count = member(row, "count");

		buf_adds(out, "| ");
		add_condition(row, out);
		if (cJSON_IsNumber(count) && count->valuedouble > 1)
			buf_addf(out, ", %.10g of them", count->valuedouble);
		buf_addf(out, " | %.6g | %.4g |\n", credits, credits * USD_PER_CREDIT);
	}
	buf_adds(out, "\n");
}

void words_price(const struct model *model, struct buf *out)
{
	const cJSON *extra = member(model->price, "extra"), *note = member(model->price, "note");
	const cJSON *as_of = member(model->price, "as_of"), *table = member(model->price, "table");
	double credits;

	buf_adds(out, "\n## Price\n\n");
	if (!model->price) {
		buf_adds(out, "Not known.\n");
		return;
	}
	if (table->child)
		add_table(model->price, out);
	if (extra) {
		const cJSON *free_items = member(extra, "free");
		buf_addf(out, "Each element of `%s`", member(extra, "field")->valuestring);
		if (free_items && free_items->valuedouble > 0)
			buf_addf(out, " after the first %.10g", free_items->valuedouble);
		buf_adds(out, " adds ");
		add_credits(member(extra, "credits")->valuedouble, out);
		buf_adds(out, ". ");
	}
	if (note)
		buf_addf(out, "%s ", note->valuestring);
	if (price_of(model, model->example, &credits) == 0) {
		buf_adds(out, "`example.json` costs ");
		add_credits(credits, out);
	} else {
		buf_adds(out, "What `example.json` costs is known only afterwards");
	}
	if (as_of)
		buf_addf(out, ". Prices as of %s", as_of->valuestring);
	buf_adds(out, ".\n");
}
