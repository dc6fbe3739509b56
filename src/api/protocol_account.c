/* Asking for the account's balance. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "kiefs/catalogue.h"
#include "kiefs/http.h"
#include "kiefs/jsonpath.h"

char *protocol_account_url(
	const struct account_entry *account, const char *api_url, const char *upload_url)
{
	const char *host = account->service->host;
	char *url;

	if (asprintf(&url, "%s%s", host && strcmp(host, "upload") == 0 ? upload_url : api_url,
		    account->path) < 0)
		return NULL;
	return url;
}

static bool find_credits(const struct account_entry *account, const cJSON *root, double *out)
{
	const cJSON *path;

	cJSON_ArrayForEach(path, account->credits)
	{
		double number;
		if (json_path_number(root, path->valuestring, &number) && isfinite(number)) {
			/* A balance below zero is an empty one. */
			*out = number < 0 ? 0 : number;
			return true;
		}
	}
	return false;
}

int protocol_read_account(const struct account_entry *account, const struct http_answer *answer,
	double *credits, char **message)
{
	struct envelope envelope = {0};
	double found = -1;
	char *why = NULL;
	int r = 0;

	if (answer->outcome == HTTP_ANSWERED)
		r = envelope_read(account->service, answer, &envelope);
	if (r < 0)
		return r;
	if (envelope.class != CLASS_OK || !find_credits(account, envelope.root, &found)) {
		why = envelope_sentence(&envelope, answer, "The balance was not told");
		r = why ? 0 : -ENOMEM;
	}
	envelope_finish(&envelope);
	if (r < 0)
		return r;
	*credits = why ? -1 : found;
	*message = why;
	return 0;
}
