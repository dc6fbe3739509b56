/*
 * search/<words>: folders that are looked up and never listed.
 *
 * The kernel asks by inode number, which is computed from the words but does not tell them. So the
 * last words that were looked up are kept, in a ring of a fixed size: a script that searches for
 * thousands of things costs no more than one that searches once. When the words of a folder that
 * is still in use have gone, the answer is ESTALE, at which the kernel looks the path up again;
 * only a shell that has stood in a search while SEARCHES_KEPT others were used must enter it anew.
 */
#include "search.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/inode.h"
#include "kiefs/match.h"

/* Least recently used first: the one found or added goes to the end. */
static void put_last(struct searches *searches, int from, const struct search *search)
{
	memmove(&searches->kept[from], &searches->kept[from + 1],
		(size_t)(SEARCHES_KEPT - 1 - from) * sizeof(*search));
	searches->kept[SEARCHES_KEPT - 1] = *search;
}

static void keep(struct fs *fs, uint64_t inode, const char *words)
{
	struct searches *searches = &fs->searches;
	struct search search = {.inode = inode};
	int from = 0;

	snprintf(search.words, sizeof(search.words), "%s", words);
	pthread_mutex_lock(&searches->lock);
	for (int i = 0; i < SEARCHES_KEPT; i++)
		if (searches->kept[i].inode == inode)
			from = i;
	put_last(searches, from, &search);
	pthread_mutex_unlock(&searches->lock);
}

int search_words(struct fs *fs, uint64_t inode, char *out)
{
	struct searches *searches = &fs->searches;
	int r = -ESTALE;

	pthread_mutex_lock(&searches->lock);
	for (int i = SEARCHES_KEPT - 1; i >= 0 && r < 0; i--) {
		if (searches->kept[i].inode == inode) {
			const struct search found = searches->kept[i];
			put_last(searches, i, &found);
			memcpy(out, found.words, sizeof(found.words));
			r = 0;
		}
	}
	pthread_mutex_unlock(&searches->lock);
	return r;
}

int search_find(struct fs *fs, const char *words, uint64_t *inode)
{
	/* What programs look for everywhere by themselves: .git, .hidden, .Trash */
	if (words[0] == '.' || strlen(words) > ENTRY_NAME_MAX ||
		!match_any(fs_catalogue(fs), words))
		return -ENOENT;
	*inode = inode_search(words);
	keep(fs, *inode, words);
	return 0;
}

int search_child(struct fs *fs, uint64_t search, const char *name, uint64_t *inode)
{
	char words[ENTRY_NAME_MAX + 1], id[ENTRY_NAME_MAX + 1];
	int r = search_words(fs, search, words);

	if (r < 0)
		return r;
	snprintf(id, sizeof(id), "%s", name);
	for (char *c = id; *c; c++)
		*c = *c == '+' ? '/' : *c;
	const struct model *model = catalogue_find(fs_catalogue(fs), id);
	const struct tree_node *link =
		model && match_model(model, words) ? tree_link(fs_tree(fs), model) : NULL;
	if (!link)
		return -ENOENT;
	*inode = link->inode;
	return 0;
}

int search_list(struct fs *fs, uint64_t inode, off_t first, off_t offset, struct listing *listing)
{
	const struct catalogue *catalogue = fs_catalogue(fs);
	char words[ENTRY_NAME_MAX + 1], name[ENTRY_NAME_MAX + 1];
	int r = search_words(fs, inode, words);

	if (r < 0)
		return r;
	for (size_t i = (size_t)(offset - first); i < catalogue_count(catalogue); i++) {
		const struct model *model = catalogue_at(catalogue, i);
		const struct tree_node *link = NULL;

		if (match_model(model, words) && tree_link_name(model, name, sizeof(name)))
			link = tree_link(fs_tree(fs), model);
		if (link && listing->add(listing, name, link->inode, NULL, first + (off_t)i + 1))
			return 1;
	}
	return 0;
}
