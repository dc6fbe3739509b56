#include "account.h"

#include "form.h"
#include "kiefs/catalogue.h"
#include "result_entry.h"

struct raw_account {
	const char *service, *path;
	const cJSON *credits;
};

static const struct form_key keys[] = {
	{"service", FORM_TEXT, offsetof(struct raw_account, service), true},
	{"path", FORM_TEXT, offsetof(struct raw_account, path), true},
	{"credits", FORM_TEXTS, offsetof(struct raw_account, credits), true},
};

int account_read(const struct scope *scope, const cJSON *object, struct account_entry *out,
	const char **service, struct error *err)
{
	struct scope inner = {scope, "key", "account"};
	struct raw_account raw = {0};
	int r = form_read(&inner, object, keys, sizeof(keys) / sizeof(keys[0]), &raw, err);

	if (r == 0 && raw.path[0] != '/')
		r = form_fail(&inner, err, "\"path\" is \"%s\"; it starts with \"/\".", raw.path);
	if (r == 0)
		r = paths_check(&inner, "credits", raw.credits, err);
	if (r < 0)
		return r;
	*out = (struct account_entry){.path = raw.path, .credits = raw.credits};
	*service = raw.service;
	return 0;
}
