/*
 * The part of the tree that is there by itself: the folders and generated files that follow from
 * the catalogue alone. Read only once it is built, any thread; a changed catalogue makes another
 * tree, in which what is still there has the same inode numbers. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct catalogue;
struct model;

enum tree_kind {
	TREE_FOLDER, /* models/google: holds models, takes no files */
	TREE_MODEL,  /* a model's directory */
	TREE_README, /* of the mount or of `model` */
	TREE_SCHEMA,
	TREE_EXAMPLE,
	TREE_UPLOADS,	  /* uploads: the user's files, each of which gets an address */
	TREE_TASKS_ALL,	  /* tasks/all */
	TREE_TASKS_GROUP, /* tasks/active ...: `group` */
	TREE_TASKS_DAYS,  /* tasks/by-day */
	TREE_LATEST,	  /* tasks/latest */
	TREE_STATS,	  /* .kiefs/stats and so on: made when opened */
	TREE_LOG,
	TREE_ERRORS,
	TREE_CONFIG,
	TREE_CONTROL,
	TREE_CATALOG,
	TREE_CATALOG_REPORT,
	TREE_MAPPING_REPORT,
	TREE_GALLERY,	 /* .kiefs/gallery: its files are looked up, never listed */
	TREE_PAGE,	 /* gallery.html */
	TREE_SEARCH,	 /* search: its folders are looked up, never listed */
	TREE_LINK,	 /* by-category/<category>/<id>: symlink to `model`'s directory */
	TREE_CREDITS,	 /* account/...: made when opened */
	TREE_ACCOUNT_STATUS,
	TREE_SPEND,
	TREE_LIMITS,
	TREE_CALLBACK,	 /* .kiefs/callback */
	TREE_KIND_COUNT,
};

struct tree_node {
	uint64_t inode;
	const struct tree_node *parent; /* the root's is itself */
	const char *name;
	enum tree_kind kind;
	int group;		   /* TASKS_GROUP: enum task_group */
	int depth;		   /* components below the mount; the root has 0 */
	const struct model *model; /* MODEL, a model's files, LINK */
	bool holds_models;	   /* FOLDER and MODEL below models/, and models/ itself */
	bool hidden;		   /* the link of a retired model: found by search alone */
	const struct tree_node *const *children; /* by name */
	size_t child_count;
};

struct tree;

/* Refuses a catalogue in which a model's id is also one of the names a model's directory has by
 * itself, or two paths have one inode number: -EINVAL. The tree has a share of the catalogue. */
int tree_create(const struct catalogue *catalogue, struct tree **out);
const struct catalogue *tree_catalogue(const struct tree *tree);
/* One share more; the same pointer. Any thread. */
struct tree *tree_share(struct tree *tree);
/* Gives a share back; the last one frees it. Accepts NULL. Any thread. */
void tree_destroy(struct tree *tree);

/* NULL when there is no such node. */
const struct tree_node *tree_find(const struct tree *tree, uint64_t inode);
const struct tree_node *tree_child(const struct tree_node *node, const char *name);
const struct tree_node *tree_root(const struct tree *tree);
/* All of them, for whoever must look at each. */
size_t tree_count(const struct tree *tree);
const struct tree_node *tree_at(const struct tree *tree, size_t index);

/* Below the mount, without a leading slash. 0 or -ENAMETOOLONG. */
int tree_path(const struct tree_node *node, char *out, size_t size);
/* The link of a model, hidden or not. */
const struct tree_node *tree_link(const struct tree *tree, const struct model *model);
/* The model's id as a name, with + for /. False: too long. */
bool tree_link_name(const struct model *model, char *out, size_t size);
/* A directory, or a file? */
int tree_is_folder(const struct tree_node *node);
/* A directory in which the user's files and folders may stand. */
int tree_takes_files(const struct tree_node *node);
