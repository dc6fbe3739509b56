/*
 * The part of the tree that is there by itself: the folders and generated files that follow from
 * the catalogue alone. Built once at start, read only afterwards; any thread. Pure.
 */
#pragma once

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
	TREE_LATEST,	  /* tasks/latest */
	TREE_STATS,	  /* .kiefs/stats and so on: made when opened */
	TREE_LOG,
	TREE_ERRORS,
	TREE_CONFIG,
	TREE_CONTROL,
};

struct tree_node {
	uint64_t inode;
	const struct tree_node *parent; /* the root's is itself */
	const char *name;
	enum tree_kind kind;
	int group;				 /* TASKS_GROUP: enum task_group */
	int depth;				 /* components below the mount; the root has 0 */
	const struct model *model;		 /* MODEL and a model's files */
	const struct tree_node *const *children; /* by name */
	size_t child_count;
};

struct tree;

/* Refuses a catalogue in which a model's id is also one of the names a model's directory has by
 * itself, or two paths have one inode number: -EINVAL. The catalogue must outlive the tree. */
int tree_create(const struct catalogue *catalogue, struct tree **out);
/* Accepts NULL. */
void tree_destroy(struct tree *tree);

/* NULL when there is no such node. */
const struct tree_node *tree_find(const struct tree *tree, uint64_t inode);
const struct tree_node *tree_child(const struct tree_node *node, const char *name);
const struct tree_node *tree_root(const struct tree *tree);
/* All of them, for whoever must look at each. */
size_t tree_count(const struct tree *tree);
const struct tree_node *tree_at(const struct tree *tree, size_t index);

/* A directory, or a file? */
int tree_is_folder(const struct tree_node *node);
/* A directory in which the user's files and folders may stand. */
int tree_takes_files(const struct tree_node *node);
