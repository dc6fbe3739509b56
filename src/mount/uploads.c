#include "uploads.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "fs.h"
#include "intake.h"
#include "kiefs/buf.h"
#include "kiefs/error.h"
#include "kiefs/files.h"
#include "kiefs/findings.h"
#include "kiefs/store_upload.h"

#define ADDRESS_MAX 8192

bool uploads_name_counts(const char *name)
{
	static const char *const scratch[] = {"part", "partial", "tmp", "temp", "swp", "swo", "swx",
		"bak", "lock", "crdownload", "download", "filepart", "db", "ini", "status",
		"error"};
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name || name[0] == '.' || dot[1] == '\0' ||
		name[strlen(name) - 1] == '~')
		return false;
	for (size_t i = 0; i < sizeof(scratch) / sizeof(scratch[0]); i++)
		if (strcasecmp(dot + 1, scratch[i]) == 0)
			return false;
	return true;
}

/* A file that holds an address: the service is to fetch what is there. */
static int read_address(
	struct fs *fs, int64_t entry, const char *name, struct intake *out, struct error *err)
{
	static const char blank[] = " \t\r\n\v\f";
	char shown[SHOWN_SIZE];
	struct buf text;

	buf_init(&text, ADDRESS_MAX);
	int r = intake_read(fs, entry, &text);
	const char *start = text.data ? text.data : "";
	start += strspn(start, blank);
	size_t len = strcspn(start, blank);
	const char *rest = start + len + strspn(start + len, blank);
	bool web = strncasecmp(start, "https://", 8) == 0 || strncasecmp(start, "http://", 7) == 0;
	bool whole = text.data && rest == text.data + text.len;
	if (r == -EFBIG || (r == 0 && !(web && whole)))
		r = error_set(err, -EINVAL,
			"%s holds no address: a *.url file in uploads/ holds one that starts with "
			"https:// or http://, and nothing else.\nWrite the address into it, or "
			"give the file the ending of what it is.",
			show_name(name, shown));
	if (r == 0) {
		out->source = strndup(start, len);
		r = out->source ? 0 : -ENOMEM;
	}
	buf_finish(&text);
	return r;
}

int uploads_check(
	struct fs *fs, int64_t entry, const char *name, struct intake *out, struct error *err)
{
	const char *dot = strrchr(name, '.');
	struct stat st;
	int r;

	if (!uploads_name_counts(name))
		return 0;
	r = files_stat_entry(fs->files, entry, &st);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (st.st_size == 0)
		return 0;
	if (strcasecmp(dot, ".url") == 0)
		r = read_address(fs, entry, name, out, err);
	if (r == 0)
		out->nothing = false;
	return r;
}

int uploads_changed(struct fs *fs, int64_t entry)
{
	struct changes changes = {0};
	struct outgoing file;
	int r = store_outgoing_get(fs->store, entry, &file);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	outgoing_finish(&file);
	r = store_outgoing_forget(fs->store, entry, &changes);
	if (r == 0)
		notifier_queue(fs, &changes);
	return r;
}
