#include "media.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kiefs/buf.h"
#include "kiefs/content.h"
#include "kiefs/error.h"
#include "kiefs/findings.h"

/* The service's megabytes are taken for the larger ones. */
#define MB (1024.0 * 1024.0)

/* Containers that hold films as well as mere sound, and bytes that tell nothing: the name has to
 * say which it is. */
static bool is_ambiguous(const char *extension)
{
	static const char *const containers[] = {"mp4", "mov", "webm", "mkv", "ogg", "bin"};

	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
		if (strcmp(extension, containers[i]) == 0)
			return true;
	return false;
}

static bool fits_kind(enum media_kind wanted, const struct content *content, const char *name)
{
	if (wanted == MEDIA_FILE || media_of_mime(content->mime) == wanted)
		return true;
	/* A film is no picture, whatever it is called. */
	if (wanted == MEDIA_IMAGE && strcmp(content->extension, "bin") != 0)
		return false;
	return is_ambiguous(content->extension) && media_of_name(name) == wanted;
}

/* "image/jpg" and "image/jpeg" are the same; a type that is not known here tells nothing. */
static bool fits_list(const cJSON *accepted, const struct content *content)
{
	const cJSON *type;

	if (!accepted || is_ambiguous(content->extension))
		return true;
	cJSON_ArrayForEach(type, accepted)
	{
		struct content one;
		const char *slash = strchr(type->valuestring, '/');

		content_identify(NULL, 0, type->valuestring, NULL, &one);
		if (strcmp(one.extension, content->extension) == 0 ||
			strcmp(one.extension, "bin") == 0)
			return true;
		if (slash && slash[1] == '*' &&
			strncmp(type->valuestring, content->mime,
				(size_t)(slash - type->valuestring) + 1) == 0)
			return true;
	}
	return false;
}

static int refuse_type(const struct reference *reference, const struct field *limits,
	const struct content *content, struct error *err)
{
	char shown[SHOWN_SIZE];
	struct buf list;

	buf_init(&list, 4096);
	show_list(limits->accepted, &list);
	error_set(err, -EMEDIUMTYPE,
		"%s is \"%s\", which is %s by its content, but it must be %s%s%s.", reference->path,
		show_name(reference->name, shown),
		strcmp(content->extension, "bin") == 0 ? "nothing known" : content->mime,
		media_words(field_media(reference->field)), list.len ? " of type " : "",
		list.len ? list.data : "");
	buf_finish(&list);
	return -EMEDIUMTYPE;
}

int media_check(int fd, const struct reference *reference, struct error *err)
{
	const struct field *field = reference->field, *owner = reference->owner;
	const struct field *limits = field->accepted || field->max_file_mb > 0 ? field : owner;
	char head[CONTENT_HEAD], shown[SHOWN_SIZE];
	struct content content;
	struct stat st;
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0 || fstat(fd, &st) < 0)
		return -errno;
	show_name(reference->name, shown);
	if (n == 0)
		return error_set(err, -ENODATA,
			"%s is \"%s\", which is an empty file. Write it again.", reference->path,
			shown);
	if (limits->max_file_mb > 0 && (double)st.st_size > limits->max_file_mb * MB)
		return error_set(err, -EFBIG,
			"%s is \"%s\", which has %.1f MB, but at most %.10g are allowed. Make it "
			"smaller.",
			reference->path, shown, (double)st.st_size / MB, limits->max_file_mb);
	content_identify(head, (size_t)n, NULL, NULL, &content);
	if (!fits_kind(field_media(field), &content, reference->name) ||
		!fits_list(limits->accepted, &content))
		return refuse_type(reference, limits, &content, err);
	return 0;
}

int media_add(
	struct media_total *total, int fd, const struct reference *reference, struct error *err)
{
	double most = reference->owner->max_total_mb * MB;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (total->owner != reference->owner)
		*total = (struct media_total){.owner = reference->owner};
	double before = total->bytes;
	total->bytes += (double)st.st_size;
	if (most == 0 || total->bytes <= most || before > most)
		return 0;
	return error_set(err, -EFBIG,
		"%s is one too much: up to it, the files of %s have %.1f MB together, but at most "
		"%.10g are allowed. Make them smaller, or leave some out.",
		reference->path, reference->owner->name, total->bytes / MB,
		reference->owner->max_total_mb);
}
