/*
 * libfuse 3.14 wants FUSE_PARALLEL_DIROPS and forgets to tell the kernel, which then has each
 * lookup in a directory wait for the one before it. What libfuse writes goes through here, and its
 * first answer, the one to INIT, gets the bit; later versions have set it themselves.
 */
#include "parallel.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

/* struct fuse_init_out of the kernel: major, minor, max_readahead, flags. */
enum { INIT_MAJOR, INIT_MINOR, INIT_READAHEAD, INIT_FLAGS, INIT_WORDS };
#define PROTOCOL 7
#define PARALLEL_DIROPS (1u << 18)

/* One mount has one connection, and INIT is answered once. */
static atomic_bool answered;

static ssize_t write_parts(int fd, struct iovec *parts, int count, void *user)
{
	if (!atomic_exchange(&answered, true) && count > 1 &&
		parts[1].iov_len >= INIT_WORDS * sizeof(uint32_t)) {
		uint32_t *init = parts[1].iov_base;
		if (init[INIT_MAJOR] == PROTOCOL)
			init[INIT_FLAGS] |= PARALLEL_DIROPS;
	}
	return writev(fd, parts, count);
}

static ssize_t read_request(int fd, void *bytes, size_t size, void *user)
{
	return read(fd, bytes, size);
}

/* Without these libfuse would copy what it reads and sends. */
static ssize_t splice_parts(
	int from, off_t *from_at, int to, off_t *to_at, size_t size, unsigned int flags, void *user)
{
	return splice(from, from_at, to, to_at, size, flags);
}

int parallel_start(struct fuse_session *session)
{
	const struct fuse_custom_io io = {
		.writev = write_parts,
		.read = read_request,
		.splice_receive = splice_parts,
		.splice_send = splice_parts,
	};

	return fuse_session_custom_io(session, &io, fuse_session_fd(session));
}
