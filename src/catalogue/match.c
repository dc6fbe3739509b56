/* Which models a search means. */
#include <string.h>
#include <strings.h>

#include "kiefs/match.h"

#include "kiefs/catalogue.h"

#define RETIRED "retired"

static bool holds(const char *text, const char *word, size_t len)
{
	for (; text && *text; text++)
		if (strncasecmp(text, word, len) == 0)
			return true;
	return false;
}

static bool fields_hold(const struct field *fields, size_t count, const char *word, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		const struct field *inner = &fields[i];

		if (holds(inner->name, word, len))
			return true;
		while (inner->item)
			inner = inner->item;
		if (fields_hold(inner->members, inner->member_count, word, len))
			return true;
	}
	return false;
}

/* People say "film" where the catalogue says "video"; one letter more ("films") is the same word.
 */
static bool is_everyday_word(const struct model *model, const char *word, size_t len)
{
	static const struct {
		const char *word, *category;
	} words[] = {
		{"picture", "image"},
		{"photo", "image"},
		{"film", "video"},
		{"movie", "video"},
		{"sound", "audio"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t own = strlen(words[i].word);
		bool plural = len == own + 1 && (word[own] | 0x20) == 's';
		if ((len == own || plural) && strncasecmp(word, words[i].word, own) == 0)
			return strcmp(model->category, words[i].category) == 0;
	}
	return false;
}

static bool word_fits(const struct model *model, const char *word, size_t len)
{
	return holds(model->id, word, len) || holds(model->title, word, len) ||
	       holds(model->provider, word, len) || holds(model->category, word, len) ||
	       holds(model->output, word, len) || is_everyday_word(model, word, len) ||
	       fields_hold(model->fields, model->field_count, word, len);
}

bool match_model(const struct model *model, const char *words)
{
	bool retired = false, any = false;

	for (;;) {
		words += strspn(words, MATCH_BLANKS);
		size_t len = strcspn(words, MATCH_BLANKS);
		if (len == 0)
			break;
		any = true;
		if (model->retired && len == strlen(RETIRED) &&
			strncasecmp(words, RETIRED, len) == 0)
			retired = true;
		else if (!word_fits(model, words, len))
			return false;
		words += len;
	}
	return any && retired == model->retired;
}

bool match_any(const struct catalogue *catalogue, const char *words)
{
	for (size_t i = 0; i < catalogue_count(catalogue); i++)
		if (match_model(catalogue_at(catalogue, i), words))
			return true;
	return false;
}
