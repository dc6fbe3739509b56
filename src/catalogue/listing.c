#include "kiefs/listing.h"

#include <string.h>

#include "catalogue_private.h"
#include "form.h"
#include "listing.h"

struct raw_listing {
	const char *service;
	struct listing listing;
};

#define RAW(member) offsetof(struct raw_listing, member)
#define LISTING(member) offsetof(struct raw_listing, listing.member)

static const struct form_key keys[] = {
	{"service", FORM_TEXT, RAW(service), true},
	{"list", FORM_TEXT, LISTING(list), true},
	{"models", FORM_TEXTS, LISTING(models), true},
	{"id", FORM_TEXTS, LISTING(id), true},
	{"title", FORM_TEXTS, LISTING(title), false},
	{"provider", FORM_TEXTS, LISTING(provider), false},
	{"kind", FORM_TEXTS, LISTING(kind), false},
	{"price", FORM_TEXTS, LISTING(price), false},
	{"schema", FORM_TEXT, LISTING(schema), true},
	{"document", FORM_TEXTS, LISTING(document), true},
};

static int read_listing(
	const struct scope *scope, const cJSON *object, struct raw_listing *out, struct error *err)
{
	struct scope inner = {scope, "key", "listing"};

	return form_read(&inner, object, keys, sizeof(keys) / sizeof(keys[0]), out, err);
}

int listing_check(const struct scope *scope, const cJSON *object, struct error *err)
{
	struct raw_listing raw = {0};
	int r = read_listing(scope, object, &raw, err);

	if (r == 0 && !strstr(raw.listing.schema, "{model}"))
		r = form_fail(scope, err, "\"schema\" must hold {model} where the id belongs.");
	return r;
}

bool catalogue_listing(const struct catalogue *catalogue, struct listing *out)
{
	struct raw_listing raw = {0};

	if (!catalogue->listing || read_listing(NULL, catalogue->listing, &raw, NULL) < 0)
		return false;
	for (size_t i = 0; i < catalogue->service_count; i++)
		if (strcmp(catalogue->services[i]->service.name, raw.service) == 0)
			raw.listing.service = &catalogue->services[i]->service;
	if (!raw.listing.service)
		return false;
	*out = raw.listing;
	return true;
}
