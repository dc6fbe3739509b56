/* gallery.html, and what it loads from .kiefs/gallery: results for a browser. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct fs;

/* A name in .kiefs/gallery. -ENOENT. */
int gallery_find(struct fs *fs, const char *name, uint64_t *inode);
/* Makes the script of an INODE_GALLERY. */
int gallery_make(struct fs *fs, uint64_t inode, struct buf *out);

/* ---- gallery_kept.c ---- */

/* The script of an INODE_GALLERY, as it was made a moment ago where nothing has changed since. */
int gallery_data(struct fs *fs, uint64_t inode, struct buf *out);
void gallery_finish(struct fs *fs);

/* ---- gallery_page.c ---- */

/* gallery.html. Always the same. */
int gallery_page(struct buf *out);

/* ---- gallery_task.c ---- */

/* A task as an object. `live` has it say how far it is as well. */
int gallery_task(struct fs *fs, int64_t id, bool live, struct buf *out);
