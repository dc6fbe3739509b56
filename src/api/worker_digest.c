/*
 * Digests of large results, and of files that are to be uploaded, a piece in each round of the
 * loop: a film of some gigabytes takes seconds, and everything else would wait. What has been read
 * is also sent on its way to the disk, so that the fsync at the end finds little to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kiefs/digest.h"
#include "worker_upload.h"

#define PIECE (4 << 20)
#define BLOCK (256 << 10)

int digest_start(struct job *job, const char *type)
{
	job->digest = digest_create();
	if (!job->digest)
		return -ENOMEM;
	job->digested = 0;
	snprintf(job->type, sizeof(job->type), "%s", type);
	return 0;
}

static struct job *waiting(const struct worker *worker)
{
	struct job *job = worker->jobs;

	while (job && !job->digest)
		job = job->next;
	return job;
}

bool digest_waits(const struct worker *worker)
{
	return waiting(worker) != NULL;
}

/* 1 when the file's end is reached, 0 when there is more, -errno. */
static int digest_piece(struct job *job)
{
	int64_t start = job->digested;
	ssize_t n = 0;
	char *block = malloc(BLOCK);

	if (!block)
		return -ENOMEM;
	while (job->digested - start < PIECE) {
		n = pread(job->fd, block, BLOCK, job->digested);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		digest_add(job->digest, block, (size_t)n);
		job->digested += n;
	}
	int r = n < 0 ? -errno : n == 0;
	free(block);
	sync_file_range(job->fd, start, job->digested - start, SYNC_FILE_RANGE_WRITE);
	return r;
}

int digest_due(struct worker *worker)
{
	struct job *job = waiting(worker);
	char sha256[DIGEST_HEX_SIZE];

	if (!job)
		return 0;
	int r = digest_piece(job);
	if (r == 0)
		return 0;
	if (r > 0) {
		digest_end(job->digest, sha256);
		job->digest = NULL;
		r = job->kind == JOB_UPLOAD ? upload_digested(worker, job, sha256)
					    : fetch_whole(worker, job, sha256);
	}
	/* A file that cannot be read back is fetched again when it is due. */
	if (job->kind == JOB_UPLOAD && r < 0)
		r = asker_refuse_for(worker, &job->source, "to be uploaded", -EBUSY);
	else if (r == -EIO)
		r = 0;
	job_destroy(worker, job);
	return r;
}
