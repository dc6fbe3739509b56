/* The fixed tree over the built-in catalogue, and the inode numbers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "kiefs/inode.h"
#include "kiefs/tree.h"

static struct catalogue *catalogue;
static struct tree *tree;

static int setup(void **state)
{
	struct error err = {0};

	assert_int_equal(catalogue_load(NULL, NULL, 0, &catalogue, &err), 0);
	assert_int_equal(tree_create(catalogue, &tree), 0);
	return 0;
}

static int teardown(void **state)
{
	tree_destroy(tree);
	catalogue_destroy(catalogue);
	return 0;
}

static const struct tree_node *walk(const char *path)
{
	const struct tree_node *node = tree_root(tree);
	char name[256];

	while (node && *path) {
		size_t n = strcspn(path, "/");
		memcpy(name, path, n);
		name[n] = '\0';
		node = tree_child(node, name);
		path += n + (path[n] == '/');
	}
	return node;
}

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		int kind; /* -1: not there */
		int depth;
	} cases[] = {
		{"", TREE_FOLDER, 0},
		{"README.md", TREE_README, 1},
		{"models", TREE_FOLDER, 1},
		{"models/google", TREE_FOLDER, 2},
		{"models/google/nano-banana", TREE_MODEL, 3},
		{"models/z-image", TREE_MODEL, 2},
		{"models/z-image/README.md", TREE_README, 3},
		{"models/z-image/schema.json", TREE_SCHEMA, 3},
		{"models/z-image/example.json", TREE_EXAMPLE, 3},
		{"models/z-image/defaults.json", -1, 0},
		{"models/omnihuman-1-5", TREE_MODEL, 2},
		{"models/omnihuman-1-5/subject-detection", TREE_MODEL, 3},
		{"models/google/README.md", -1, 0},
		{"tasks/all", TREE_TASKS_ALL, 2},
		{"tasks/failed", TREE_TASKS_GROUP, 2},
		{"tasks/by-day", TREE_TASKS_DAYS, 2},
		{"tasks/latest", TREE_LATEST, 2},
		{".kiefs/control", TREE_CONTROL, 2},
		{".kiefs/gallery", TREE_GALLERY, 2},
		{"gallery.html", TREE_PAGE, 1},
		{"nowhere", -1, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tree_node *node = walk(cases[i].path);
		if (cases[i].kind < 0) {
			assert_null(node);
			continue;
		}
		assert_non_null(node);
		assert_int_equal(node->kind, cases[i].kind);
		assert_int_equal(node->depth, cases[i].depth);
		assert_ptr_equal(tree_find(tree, node->inode), node);
	}
	assert_int_equal(walk("")->inode, 1);
}

static void test_every_model_has_a_directory(void **state)
{
	char path[512];

	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct model *model = catalogue_at(catalogue, i);
		snprintf(path, sizeof(path), "models/%s", model->id);
		const struct tree_node *node = walk(path);
		assert_non_null(node);
		assert_int_equal(node->kind, TREE_MODEL);
		assert_ptr_equal(node->model, model);
		assert_non_null(tree_child(node, "README.md"));
		assert_non_null(tree_child(node, "schema.json"));
		assert_non_null(tree_child(node, "example.json"));
	}
}

static void test_children_are_sorted_and_complete(void **state)
{
	size_t seen = 1; /* the root is nobody's child */

	for (size_t i = 0; i < tree_count(tree); i++) {
		const struct tree_node *node = tree_at(tree, i);
		seen += node->hidden;
		for (size_t j = 0; j < node->child_count; j++, seen++) {
			assert_ptr_equal(node->children[j]->parent, node);
			if (j > 0)
				assert_true(strcmp(node->children[j - 1]->name,
						    node->children[j]->name) < 0);
		}
	}
	assert_int_equal(seen, tree_count(tree));
}

static void test_links(void **state)
{
	char name[256], path[512];

	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct model *model = catalogue_at(catalogue, i);
		const struct tree_node *link = tree_link(tree, model);

		assert_non_null(link);
		assert_int_equal(link->kind, TREE_LINK);
		assert_ptr_equal(link->model, model);
		assert_true(tree_link_name(model, name, sizeof(name)));
		assert_null(strchr(name, '/'));
		assert_int_equal(tree_path(link, path, sizeof(path)), 0);
		assert_string_equal(strrchr(path, '/') + 1, name);
		assert_ptr_equal(walk(path), model->retired ? NULL : link);
	}
	assert_int_equal(tree_path(tree_root(tree), path, sizeof(path)), 0);
	assert_string_equal(path, "");
	assert_int_equal(tree_path(walk("models/z-image"), path, 5), -ENAMETOOLONG);
}

/* The same paths have the same numbers in a tree made later, and each has its own catalogue. */
static void test_another_catalogue(void **state)
{
	static const char *const extra[] = {TEST_DATA "/invented.json"};
	const struct catalogue *shared;
	struct catalogue *more;
	struct tree *other;

	assert_int_equal(catalogue_load(NULL, extra, 1, &more, NULL), 0);
	assert_int_equal(tree_create(more, &other), 0);
	shared = tree_catalogue(other);
	assert_ptr_equal(shared, more);
	catalogue_destroy(more);
	assert_ptr_equal(tree_share(other), other);
	tree_destroy(other);
	assert_true(tree_count(other) > tree_count(tree));
	for (size_t i = 0; i < tree_count(tree); i++) {
		const struct tree_node *node = tree_find(other, tree_at(tree, i)->inode);
		assert_non_null(node);
		assert_string_equal(node->name, tree_at(tree, i)->name);
	}
	tree_destroy(other);
}

static void test_inodes_say_what_they_name(void **state)
{
	static const int64_t numbers[] = {1, 2, 999, 1000000, INT64_C(1) << 40};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int64_t n = numbers[i];
		assert_int_equal(inode_kind(inode_entry(n)), INODE_ENTRY);
		assert_int_equal(inode_entry_id(inode_entry(n)), n);
		assert_int_equal(inode_kind(inode_wait(n)), INODE_WAIT);
		assert_int_equal(inode_entry_id(inode_wait(n)), n);
		assert_int_equal(inode_kind(inode_task(n, SLOT_MAX)), INODE_TASK);
		assert_int_equal(inode_task_id(inode_task(n, SLOT_MAX)), n);
		assert_int_equal(inode_task_slot(inode_task(n, SLOT_MAX)), SLOT_MAX);
		assert_int_equal(inode_kind(inode_link(3, n)), INODE_LINK);
		assert_int_equal(inode_task_id(inode_link(3, n)), n);
		assert_int_equal(inode_kind(inode_day(n)), INODE_DAY);
		assert_int_equal(inode_day_number(inode_day(n)), n);
		assert_int_equal(inode_kind(inode_day_link(n)), INODE_DAY_LINK);
		assert_int_equal(inode_task_id(inode_day_link(n)), n);
		assert_int_equal(inode_kind(inode_home(7, n)), INODE_HOME);
		assert_int_equal(inode_home_depth(inode_home(7, n)), 7);
		assert_int_equal(inode_kind(inode_gallery(GALLERY_PAGE, n)), INODE_GALLERY);
		assert_int_equal(inode_gallery_part(inode_gallery(GALLERY_PAGE, n)), GALLERY_PAGE);
		assert_int_equal(inode_gallery_page(inode_gallery(GALLERY_PAGE, n)), n);
	}
	assert_int_equal(inode_kind(1), INODE_STATIC);
	assert_int_equal(inode_kind(inode_static("models")), INODE_STATIC);
	assert_int_not_equal(inode_static("models"), inode_static("tasks"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_every_model_has_a_directory),
		cmocka_unit_test(test_children_are_sorted_and_complete),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_another_catalogue),
		cmocka_unit_test(test_inodes_say_what_they_name),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
