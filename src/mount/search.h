/* search/<words>: the models that the words mean. See search.c. */
#pragma once

#include <stdint.h>

#include "fs.h"

/* -ENOENT: the words mean no model. */
int search_find(struct fs *fs, const char *words, uint64_t *inode);
/* The words of such an inode, ENTRY_NAME_MAX + 1 bytes; -ESTALE: forgotten. */
int search_words(struct fs *fs, uint64_t inode, char *out);
/* One of its links. -ENOENT, -ESTALE. */
int search_child(struct fs *fs, uint64_t search, const char *name, uint64_t *inode);
/* Its links, with offsets from `first`. 1: the listing is full. */
int search_list(struct fs *fs, uint64_t inode, off_t first, off_t offset, struct listing *listing);
