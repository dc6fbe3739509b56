/* A finished reply on its way out: text, files and their ranges, and what goes wrong there. */
#pragma once

#include "reply.h"

#include <microhttpd.h>

/* MHD_NO closes the connection without an answer, which some faults want. */
enum MHD_Result send_reply(
	struct sim *sim, const struct request *request, const struct reply *reply);
