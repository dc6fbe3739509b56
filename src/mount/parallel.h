/* Lookups and listings of one directory at the same time. */
#pragma once

struct fuse_session;

/* Between mounting and serving. 0 or -errno; one that cannot have it works all the same. */
int parallel_start(struct fuse_session *session);
