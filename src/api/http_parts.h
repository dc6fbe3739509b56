/* A multipart body: texts, and a file that is read as it goes out. */
#pragma once

#include <curl/curl.h>
#include <stdint.h>

#include "kiefs/http.h"

/* Zeroed: none. */
struct parts {
	curl_mime *mime;
	int fd;
	int64_t size, at; /* of the file */
	int error;	  /* -errno of reading it */
	void (*progress)(int64_t sent, int64_t size, void *user);
	void *user;
};

/* Makes the parts of `request` the handle's body. 0 or -ENOMEM. `parts` must stay where it is until
 * parts_finish(), which comes after the handle's end. */
int parts_set(struct parts *parts, CURL *easy, const struct http_request *request);
void parts_finish(struct parts *parts);
