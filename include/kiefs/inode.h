/*
 * Inode numbers are computed from what they name: no table, nothing to forget. Pure.
 *
 * 64 bits: the kind in the top four, what it names below. The root is 1, as FUSE wants it.
 *
 *   INODE_STATIC   hash of the path below the mount ("models/z-image/README.md")
 *   INODE_ENTRY    id of an index entry: a user's folder or file, a result, a status, an error
 *   INODE_TASK     number of a task and a slot: its directory and the files in it
 *   INODE_LINK     group and number of a task: a symlink in tasks/<group>/
 *   INODE_HOME     depth and number of a task: `<name>.task`, a symlink whose target depends on
 *                  how deep the directory lies
 *   INODE_SEARCH   hash of a search's words: search/<words>
 *   INODE_GALLERY  part and number: a file in .kiefs/gallery
 *   INODE_DAY      days since 1970: tasks/by-day/<date>
 *   INODE_DAY_LINK number of a task: the symlink in its day's directory
 *   INODE_WAIT     id of a request's entry: `<name>.wait`, which may be read before there is a task
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum inode_kind {
	INODE_STATIC = 1,
	INODE_ENTRY = 2,
	INODE_TASK = 3,
	INODE_LINK = 4,
	INODE_HOME = 5,
	INODE_WAIT = 6,
	INODE_SEARCH = 7,
	INODE_GALLERY = 8,
	INODE_DAY = 9,
	INODE_DAY_LINK = 10,
};

enum task_slot {
	SLOT_DIR,
	SLOT_REQUEST,
	SLOT_STATUS,
	SLOT_WAIT,
	SLOT_LOG,
	SLOT_RECORD,
	SLOT_META,
	SLOT_ERROR,
	SLOT_CONTROL,
	SLOT_RESULT = 16, /* + index, from 1 */
	SLOT_MAX = 255,
};

enum gallery_part {
	GALLERY_NOW,   /* what is under way */
	GALLERY_SPEND, /* what was spent */
	GALLERY_PAGE,  /* some tasks, by their numbers: the page's number, from 1 */
};

uint64_t inode_static(const char *path);
uint64_t inode_entry(int64_t id);
uint64_t inode_task(int64_t task, int slot);
uint64_t inode_link(int group, int64_t task);
uint64_t inode_home(int depth, int64_t task);
uint64_t inode_wait(int64_t entry);
uint64_t inode_search(const char *words);
uint64_t inode_gallery(enum gallery_part part, int64_t page);
uint64_t inode_day(int64_t day);
uint64_t inode_day_link(int64_t task);

enum inode_kind inode_kind(uint64_t inode);
int64_t inode_entry_id(uint64_t inode); /* of ENTRY and WAIT */
int64_t inode_task_id(uint64_t inode);	/* of TASK, LINK, HOME and DAY_LINK */
int inode_task_slot(uint64_t inode);
int inode_home_depth(uint64_t inode);
enum gallery_part inode_gallery_part(uint64_t inode);
int64_t inode_gallery_page(uint64_t inode);
int64_t inode_day_number(uint64_t inode);
