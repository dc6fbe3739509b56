#include "kiefs/tree.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/entry.h"
#include "kiefs/inode.h"
#include "kiefs/store.h"

#define PATH_SIZE 1024

struct tree {
	atomic_int references;
	const struct catalogue *catalogue;
	struct tree_node **nodes; /* by inode after tree_create() */
	size_t count, capacity;
	char **strings;
	size_t string_count, string_capacity;
	const struct tree_node **children;
};

static int grow(void *array, size_t count, size_t *capacity, size_t size)
{
	void **slot = array;

	if (count < *capacity)
		return 0;
	size_t more = *capacity ? *capacity * 2 : 256;
	void *bigger = realloc(*slot, more * size);
	if (!bigger)
		return -ENOMEM;
	*slot = bigger;
	*capacity = more;
	return 0;
}

static const char *keep_string(struct tree *tree, const char *text, size_t len)
{
	if (grow(&tree->strings, tree->string_count, &tree->string_capacity, sizeof(char *)) < 0)
		return NULL;
	char *copy = strndup(text, len);
	if (copy)
		tree->strings[tree->string_count++] = copy;
	return copy;
}

static struct tree_node *node_named(
	struct tree *tree, const struct tree_node *parent, const char *name, size_t len)
{
	for (size_t i = 0; i < tree->count; i++) {
		struct tree_node *node = tree->nodes[i];
		if (node->parent == parent && strncmp(node->name, name, len) == 0 &&
			node->name[len] == '\0')
			return node;
	}
	return NULL;
}

/* Adds one component below `parent`, or finds it when it is already a folder. */
static struct tree_node *add(struct tree *tree, struct tree_node *parent, const char *path,
	const char *name, size_t len, enum tree_kind kind)
{
	struct tree_node *node;

	if (grow(&tree->nodes, tree->count, &tree->capacity, sizeof(*tree->nodes)) < 0)
		return NULL;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->name = keep_string(tree, name, len);
	if (!node->name) {
		free(node);
		return NULL;
	}
	node->inode = inode_static(path);
	node->parent = parent ? parent : node;
	node->depth = parent ? parent->depth + 1 : 0;
	node->kind = kind;
	tree->nodes[tree->count++] = node;
	return node;
}

/* Walks `path` from the root, making folders; the last component gets `kind`. */
static struct tree_node *add_path(struct tree *tree, const char *path, enum tree_kind kind)
{
	struct tree_node *node = tree->nodes[0];
	char prefix[PATH_SIZE];
	const char *p = path;

	if (strlen(path) >= sizeof(prefix))
		return NULL;
	while (*p) {
		size_t len = strcspn(p, "/");
		bool last = p[len] == '\0';
		struct tree_node *child = node_named(tree, node, p, len);
		if (!child) {
			size_t end = (size_t)(p - path) + len;
			memcpy(prefix, path, end);
			prefix[end] = '\0';
			child = add(tree, node, prefix, p, len, last ? kind : TREE_FOLDER);
			if (!child)
				return NULL;
		} else if (last) {
			child->kind = kind;
		}
		node = child;
		p += len + !last;
	}
	return node;
}

static int add_model(struct tree *tree, const struct model *model)
{
	static const struct {
		const char *name;
		enum tree_kind kind;
	} files[] = {
		{"README.md", TREE_README},
		{"schema.json", TREE_SCHEMA},
		{"example.json", TREE_EXAMPLE},
	};
	char path[PATH_SIZE];
	const char *last = strrchr(model->id, '/');

	if (!entry_name_is_free(last ? last + 1 : model->id))
		return -EINVAL;
	if ((size_t)snprintf(path, sizeof(path), "models/%s", model->id) >= sizeof(path) - 32)
		return -ENAMETOOLONG;
	size_t len = strlen(path);
	struct tree_node *folder = add_path(tree, path, TREE_MODEL);
	if (!folder)
		return -ENOMEM;
	folder->model = model;
	for (struct tree_node *up = folder; up->depth > 0; up = (struct tree_node *)up->parent)
		up->holds_models = true;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path + len, sizeof(path) - len, "/%s", files[i].name);
		struct tree_node *file = add(
			tree, folder, path, files[i].name, strlen(files[i].name), files[i].kind);
		if (!file)
			return -ENOMEM;
		file->model = model;
	}
	return 0;
}

bool tree_link_name(const struct model *model, char *out, size_t size)
{
	if (strlen(model->id) >= size)
		return false;
	for (const char *c = model->id;; c++) {
		*out++ = *c == '/' ? '+' : *c;
		if (!*c)
			return true;
	}
}

static bool link_path(const struct model *model, char *out, size_t size)
{
	int n = snprintf(out, size, "by-category/%s/", model->category);

	return n > 0 && (size_t)n < size && tree_link_name(model, out + n, size - (size_t)n);
}

static int add_link(struct tree *tree, const struct model *model)
{
	char path[PATH_SIZE];

	if (!link_path(model, path, sizeof(path)))
		return -ENAMETOOLONG;
	struct tree_node *link = add_path(tree, path, TREE_LINK);
	if (!link)
		return -ENOMEM;
	link->model = model;
	link->hidden = model->retired;
	return 0;
}

const struct tree_node *tree_link(const struct tree *tree, const struct model *model)
{
	char path[PATH_SIZE];

	return link_path(model, path, sizeof(path)) ? tree_find(tree, inode_static(path)) : NULL;
}

static int add_fixed(struct tree *tree)
{
	static const struct {
		const char *path;
		enum tree_kind kind;
		int group;
	} fixed[] = {
		{"README.md", TREE_README, 0},
		{"gallery.html", TREE_PAGE, 0},
		{"models", TREE_FOLDER, 0},
		{"uploads", TREE_UPLOADS, 0},
		{"tasks/all", TREE_TASKS_ALL, GROUP_ALL},
		{"tasks/active", TREE_TASKS_GROUP, GROUP_ACTIVE},
		{"tasks/held", TREE_TASKS_GROUP, GROUP_HELD},
		{"tasks/done", TREE_TASKS_GROUP, GROUP_DONE},
		{"tasks/failed", TREE_TASKS_GROUP, GROUP_FAILED},
		{"tasks/by-day", TREE_TASKS_DAYS, 0},
		{"tasks/latest", TREE_LATEST, 0},
		{"account/credits", TREE_CREDITS, 0},
		{"account/status", TREE_ACCOUNT_STATUS, 0},
		{"account/spend.csv", TREE_SPEND, 0},
		{"account/limits", TREE_LIMITS, 0},
		{".kiefs/stats", TREE_STATS, 0},
		{".kiefs/log", TREE_LOG, 0},
		{".kiefs/errors", TREE_ERRORS, 0},
		{".kiefs/config", TREE_CONFIG, 0},
		{".kiefs/callback", TREE_CALLBACK, 0},
		{".kiefs/gallery", TREE_GALLERY, 0},
		{".kiefs/control", TREE_CONTROL, 0},
		{".kiefs/catalog.json", TREE_CATALOG, 0},
		{".kiefs/catalog-report", TREE_CATALOG_REPORT, 0},
		{".kiefs/mapping-report", TREE_MAPPING_REPORT, 0},
		{"by-category/image", TREE_FOLDER, 0},
		{"by-category/video", TREE_FOLDER, 0},
		{"by-category/audio", TREE_FOLDER, 0},
		{"by-category/chat", TREE_FOLDER, 0},
		{"by-category/other", TREE_FOLDER, 0},
		{"search", TREE_SEARCH, 0},
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		struct tree_node *node = add_path(tree, fixed[i].path, fixed[i].kind);
		if (!node)
			return -ENOMEM;
		node->group = fixed[i].group;
	}
	return 0;
}

static int by_parent_and_name(const void *a, const void *b)
{
	const struct tree_node *one = *(struct tree_node *const *)a;
	const struct tree_node *two = *(struct tree_node *const *)b;

	if (one->parent->inode != two->parent->inode)
		return one->parent->inode < two->parent->inode ? -1 : 1;
	if (one->hidden != two->hidden)
		return one->hidden ? 1 : -1;
	return strcmp(one->name, two->name);
}

static int by_inode(const void *a, const void *b)
{
	const struct tree_node *one = *(struct tree_node *const *)a;
	const struct tree_node *two = *(struct tree_node *const *)b;

	return one->inode < two->inode ? -1 : one->inode > two->inode;
}

/* One array holds all children, each folder's in one run, by name; hidden ones are in none. */
static int link_children(struct tree *tree)
{
	tree->children = calloc(tree->count, sizeof(*tree->children));
	if (!tree->children)
		return -ENOMEM;
	qsort(tree->nodes, tree->count, sizeof(*tree->nodes), by_parent_and_name);
	for (size_t i = 0; i < tree->count; i++) {
		struct tree_node *node = tree->nodes[i];
		struct tree_node *parent = (struct tree_node *)node->parent;
		tree->children[i] = node;
		if (node == parent || node->hidden)
			continue;
		if (parent->child_count++ == 0)
			parent->children = &tree->children[i];
	}
	/* The root is in its own run of children, and sorts first there: it has no name. */
	qsort(tree->nodes, tree->count, sizeof(*tree->nodes), by_inode);
	for (size_t i = 1; i < tree->count; i++)
		if (tree->nodes[i - 1]->inode == tree->nodes[i]->inode)
			return -EINVAL;
	return 0;
}

int tree_create(const struct catalogue *catalogue, struct tree **out)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return -ENOMEM;
	atomic_init(&tree->references, 1);
	tree->catalogue = catalogue_share(catalogue);
	int r = add(tree, NULL, "", "", 0, TREE_FOLDER) ? add_fixed(tree) : -ENOMEM;
	for (size_t i = 0; i < catalogue_count(catalogue) && r == 0; i++) {
		r = add_model(tree, catalogue_at(catalogue, i));
		if (r == 0)
			r = add_link(tree, catalogue_at(catalogue, i));
	}
	if (r == 0)
		r = link_children(tree);
	if (r < 0) {
		tree_destroy(tree);
		return r;
	}
	*out = tree;
	return 0;
}

void tree_destroy(struct tree *tree)
{
	if (!tree || atomic_fetch_sub(&tree->references, 1) > 1)
		return;
	catalogue_destroy(tree->catalogue);
	for (size_t i = 0; i < tree->count; i++)
		free(tree->nodes[i]);
	for (size_t i = 0; i < tree->string_count; i++)
		free(tree->strings[i]);
	free(tree->nodes);
	free(tree->strings);
	free(tree->children);
	free(tree);
}

struct tree *tree_share(struct tree *tree)
{
	atomic_fetch_add(&tree->references, 1);
	return tree;
}

const struct catalogue *tree_catalogue(const struct tree *tree)
{
	return tree->catalogue;
}

const struct tree_node *tree_find(const struct tree *tree, uint64_t inode)
{
	const struct tree_node key = {.inode = inode};
	const struct tree_node *const wanted = &key;
	struct tree_node **found =
		bsearch(&wanted, tree->nodes, tree->count, sizeof(*tree->nodes), by_inode);

	return found ? *found : NULL;
}

int tree_path(const struct tree_node *node, char *out, size_t size)
{
	size_t at = size;

	if (size == 0)
		return -ENAMETOOLONG;
	out[--at] = '\0';
	for (; node->depth > 0; node = node->parent) {
		size_t len = strlen(node->name);
		bool last = at + 1 == size;
		if (len + !last > at)
			return -ENAMETOOLONG;
		if (!last)
			out[--at] = '/';
		at -= len;
		memcpy(out + at, node->name, len);
	}
	memmove(out, out + at, size - at);
	return 0;
}

const struct tree_node *tree_child(const struct tree_node *node, const char *name)
{
	size_t low = 0, high = node->child_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(node->children[middle]->name, name);
		if (order == 0)
			return node->children[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct tree_node *tree_root(const struct tree *tree)
{
	return tree_find(tree, 1);
}

size_t tree_count(const struct tree *tree)
{
	return tree->count;
}

const struct tree_node *tree_at(const struct tree *tree, size_t index)
{
	return tree->nodes[index];
}

int tree_is_folder(const struct tree_node *node)
{
	return node->kind == TREE_FOLDER || tree_takes_files(node) ||
	       node->kind == TREE_TASKS_ALL || node->kind == TREE_TASKS_GROUP ||
	       node->kind == TREE_TASKS_DAYS || node->kind == TREE_SEARCH ||
	       node->kind == TREE_GALLERY;
}

int tree_takes_files(const struct tree_node *node)
{
	return node->kind == TREE_MODEL || node->kind == TREE_UPLOADS;
}
