/* The part of a service that answers in text: turns, streams. See kiefs/chat.h. */
#pragma once

#include <cjson/cJSON.h>

struct error;
struct scope;

/* Whether `chat` has the form that kiefs(5) describes: 0, -EINVAL or -ENOMEM. */
int chat_check(const struct scope *scope, const cJSON *chat, struct error *err);
