/* Mounting, serving, unmounting. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs.h"
#include "gallery.h"
#include "handle.h"
#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/error.h"
#include "kiefs/files.h"
#include "kiefs/mount.h"
#include "parallel.h"
#include "table.h"

/* Parked readers hold no thread, so this bounds only requests that wait for the disk. */
#define MAX_THREADS 10

struct mount {
	struct fs fs;
	char *mountpoint;
	pthread_t loop;
	bool mounted;
	struct table table;
};

void op_init(void *userdata, struct fuse_conn_info *conn)
{
	if (conn->capable & FUSE_CAP_SPLICE_WRITE)
		conn->want |= FUSE_CAP_SPLICE_WRITE;
	if (conn->capable & FUSE_CAP_SPLICE_MOVE)
		conn->want |= FUSE_CAP_SPLICE_MOVE;
	/* Results never change and files change only through the kernel: a new mtime must not
	 * throw away what is cached. */
	conn->want &= ~FUSE_CAP_AUTO_INVAL_DATA;
	conn->want &= ~FUSE_CAP_WRITEBACK_CACHE;
	/* new_mode() does it. */
	if (conn->capable & FUSE_CAP_DONT_MASK)
		conn->want |= FUSE_CAP_DONT_MASK;
	/* For NFS and open_by_handle_at(2): op_lookup() knows "." and "..". */
	if (conn->capable & FUSE_CAP_EXPORT_SUPPORT)
		conn->want |= FUSE_CAP_EXPORT_SUPPORT;
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st;

	if (fstatvfs(fs_of(req)->files->dir, &st) < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	st.f_namemax = ENTRY_NAME_MAX;
	fuse_reply_statfs(req, &st);
}

/* Says in a sentence what fusermount3 would say in several, before anything is started. */
static int check_mountpoint(const char *path, struct error *err)
{
	struct stat st, parent;
	char above[4096];
	int count = 0;

	if (stat(path, &st) < 0) {
		if (errno == ENOTCONN)
			return error_set(err, -ENOTCONN,
				"%s still holds the mount of a daemon that is gone. Free it with "
				"`fusermount3 -u %s`.",
				path, path);
		return error_set(err, -errno, "The mount point %s: %s.%s", path, strerror(errno),
			errno == ENOENT ? " Make it with mkdir." : "");
	}
	if (!S_ISDIR(st.st_mode))
		return error_set(err, -ENOTDIR, "The mount point %s is not a directory.", path);
	if ((size_t)snprintf(above, sizeof(above), "%s/..", path) < sizeof(above) &&
		stat(above, &parent) == 0 && parent.st_dev != st.st_dev)
		return error_set(err, -EBUSY,
			"Something is already mounted on %s. Unmount it first (`fusermount3 -u "
			"%s`), "
			"or choose another directory.",
			path, path);
	DIR *dir = opendir(path);
	if (!dir)
		return error_set(err, -errno, "The mount point %s cannot be read: %s.", path,
			strerror(errno));
	while (readdir(dir) && count < 3)
		count++;
	closedir(dir);
	if (count > 2)
		return error_set(err, -ENOTEMPTY,
			"The mount point %s is not empty. Choose an empty directory: what is in it "
			"would be hidden.",
			path);
	if (access("/dev/fuse", R_OK | W_OK) < 0)
		return error_set(err, -errno,
			"/dev/fuse cannot be opened (%s). The kernel's fuse module and access to "
			"that "
			"device are needed.",
			strerror(errno));
	return 0;
}

static int make_session(struct mount *mount, const struct mount_options *options, struct error *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int r = 0;

	if (fuse_opt_add_arg(&args, "kiefs") < 0 ||
		fuse_opt_add_arg(&args, "-ofsname=kiefs,subtype=kiefs,default_permissions") < 0)
		r = -ENOMEM;
	for (int i = 0; i < options->fuse_option_count && r == 0; i++)
		if (fuse_opt_add_arg(&args, "-o") < 0 ||
			fuse_opt_add_arg(&args, options->fuse_options[i]) < 0)
			r = -ENOMEM;
	if (r == 0 && options->debug && fuse_opt_add_arg(&args, "-d") < 0)
		r = -ENOMEM;
	if (r == 0) {
		mount->fs.session = fuse_session_new(&args, &fs_ops, sizeof(fs_ops), &mount->fs);
		if (!mount->fs.session)
			r = error_set(err, -EINVAL,
				"libfuse refused the mount options; its own words stand above.");
	}
	fuse_opt_free_args(&args);
	return r;
}

static void locks_init(struct fs *fs)
{
	pthread_condattr_t steady;

	pthread_mutex_init(&fs->drafts.lock, NULL);
	pthread_cond_init(&fs->drafts.settled, NULL);
	pthread_mutex_init(&fs->handles.lock, NULL);
	pthread_mutex_init(&fs->waits.lock, NULL);
	pthread_mutex_init(&fs->notifier.lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&fs->notifier.more, &steady);
	pthread_condattr_destroy(&steady);
	pthread_mutex_init(&fs->errors.lock, NULL);
	pthread_mutex_init(&fs->seen.lock, NULL);
	pthread_mutex_init(&fs->refusals.lock, NULL);
	pthread_mutex_init(&fs->live.lock, NULL);
	pthread_mutex_init(&fs->live.change, NULL);
	pthread_mutex_init(&fs->searches.lock, NULL);
	pthread_mutex_init(&fs->kept.lock, NULL);
}

int mount_create(const struct mount_options *options, struct mount **out, struct error *err)
{
	struct mount *mount;
	int r = check_mountpoint(options->mountpoint, err);

	if (r < 0)
		return r;
	mount = calloc(1, sizeof(*mount));
	if (!mount)
		return -ENOMEM;
	struct fs *fs = &mount->fs;
	mount->table.fd = -1;
	locks_init(fs);
	fs->store = options->store;
	fs->files = options->files;
	fs->config_text = options->config_text;
	fs->callback = options->callback;
	fs->callback_address = options->callback_address;
	fs->callback_url = options->callback_url;
	fs->warn_only = options->warn_only;
	mount->loop = pthread_self();
	fs->users = options->users;
	fs->started_ms = clock_now_ms();
	mount->mountpoint = realpath(options->mountpoint, NULL);
	fs->mountpoint = mount->mountpoint;
	fs->report_path = options->report_path;
	fs->command = options->command;
	fs->context = options->context;
	r = mount->mountpoint ? live_start(fs, options->catalogue) : -ENOMEM;
	if (r == 0)
		r = poker_start(&fs->notifier.poker);
	if (r == 0)
		r = make_session(mount, options, err);
	if (r == 0 && fuse_session_mount(fs->session, mount->mountpoint) < 0)
		r = error_set(err, -EIO, "%s could not be mounted; the reason stands above.",
			mount->mountpoint);
	mount->mounted = r == 0;
	if (r == 0)
		r = parallel_start(fs->session);
	if (r < 0) {
		mount_destroy(mount);
		return r;
	}
	/* Where there is no table, the end of the last user of the mount ends it. */
	if (table_open(&mount->table, mount->mountpoint) < 0)
		mount->table.fd = -1;
	*out = mount;
	return 0;
}

int mount_run(struct mount *mount, struct worker *worker)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();

	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_max_threads(config, MAX_THREADS);
	/* A thread that ends for want of work costs more than one that waits. */
	fuse_loop_cfg_set_idle_threads(config, MAX_THREADS);
	mount->fs.worker = worker;
	int r = notifier_start(&mount->fs);
	if (r == 0)
		r = fuse_session_loop_mt(mount->fs.session, config);
	fuse_loop_cfg_destroy(config);
	wait_abort(&mount->fs);
	notifier_stop(&mount->fs);
	return r > 0 ? 0 : r;
}

void mount_stop(struct mount *mount)
{
	/* While the loop still answers: a notification may be waiting for one of its replies. */
	wait_abort(&mount->fs);
	notifier_stop(&mount->fs);
	fuse_session_exit(mount->fs.session);
	if (mount->loop)
		pthread_kill(mount->loop, SIGUSR1);
}

int mount_table_fd(const struct mount *mount)
{
	return mount->table.fd;
}

bool mount_is_gone(const struct mount *mount)
{
	return table_is_gone(&mount->table);
}

/* What stands at the mount point by now is not to be unmounted. libfuse leaves it alone when its
 * descriptor says that the kernel has let go, as the end of a pipe does that nobody reads. */
static void let_go(struct mount *mount)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	close(ends[0]);
	dup3(ends[1], fuse_session_fd(mount->fs.session), O_CLOEXEC);
	close(ends[1]);
}

void mount_destroy(struct mount *mount)
{
	if (!mount)
		return;
	if (mount->mounted && mount_is_gone(mount))
		let_go(mount);
	if (mount->mounted)
		fuse_session_unmount(mount->fs.session);
	table_close(&mount->table);
	if (mount->fs.session)
		fuse_session_destroy(mount->fs.session);
	poker_stop(&mount->fs.notifier.poker);
	live_finish(&mount->fs);
	handles_finish(&mount->fs);
	errors_finish(&mount->fs);
	gallery_finish(&mount->fs);
	free(mount->mountpoint);
	free(mount);
}

void mount_notify(const struct changes *changes, void *context)
{
	struct mount *mount = context;

	notifier_queue(&mount->fs, changes);
}

int mount_set_catalogue(struct mount *mount, const struct catalogue *catalogue, struct error *err)
{
	return live_change(&mount->fs, catalogue, err);
}

int mount_holds(struct mount *mount, const char *model)
{
	return live_holds(&mount->fs, model);
}
