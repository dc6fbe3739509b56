/* The ids of a task's parts (the tracks of a song, its stems), from which the task can be told. */
#pragma once

#define PART_ID_SIZE 37 /* the form of a UUID */

/* `task`: 32 lower-case hex digits. */
void part_id_make(const char *task, unsigned number, char out[PART_ID_SIZE]);
/* The id of the task whose part `number` it would be; whether there is such a task is for the
 * caller to see. "" when `text` is no such id. */
void part_id_task(const char *text, unsigned number, char task[33]);
