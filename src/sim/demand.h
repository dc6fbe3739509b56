/*
 * What an operation asks of its fields. Pure.
 *
 * "fields" holds for each name one demand or an array of them:
 *   type      string, number, boolean, array
 *   required  true, or a condition (see template.h)
 *   when      a condition without which it is no demand
 *   values    the only ones allowed
 *   max, min  characters of a string, elements of an array
 *   range     [lowest, highest]; "above": more than this
 * Fields that it does not know are nobody's concern.
 */
#pragma once

#include <cjson/cJSON.h>

struct operation;

#define DEMAND_MESSAGE_SIZE 200

/* 0, or the code to refuse with, and the words. -ENOMEM. */
int demand_check(
	const struct operation *operation, const cJSON *input, char message[DEMAND_MESSAGE_SIZE]);
