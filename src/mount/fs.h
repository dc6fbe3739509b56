/* What the FUSE side's own files share. */
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "kiefs/digest.h"
#include "kiefs/entry.h"
#include "kiefs/mount.h"
#include "kiefs/store.h"
#include "kiefs/tree.h"
#include "kiefs/users.h"
#include "pace.h"
#include "poker.h"

struct buf;
struct callback;
struct catalogue;
struct error;
struct files;
struct model;
struct worker;

/* Of paths below the mount that the catalogue makes. */
#define PATH_SIZE 1024
/* Generated files that change with the catalogue alone are cached by the kernel for this long
 * (seconds); then it is told. */
#define LONG_TIMEOUT 86400.0
/* Names in models' directories: the kernel itself makes and removes them, but for the few that
 * the notifier tells it about. */
#define NAME_TIMEOUT 3600.0

/* Open request files and scratch, by entry (draft.c). */
struct drafts {
	pthread_mutex_t lock;
	pthread_cond_t settled; /* some draft lost its last writer */
	struct draft *first;	/* struct draft::next */
};

/* What is open (open.c). The kernel may go without having closed it all. */
struct handles {
	pthread_mutex_t lock;
	struct handle *first; /* struct handle::next */
};

/* Parked readers of wait files (wait.c). */
struct waits {
	pthread_mutex_t lock;
	struct park *first; /* struct park::next; the newest first */
	uint64_t serial;    /* of the newest */
	bool closed;	    /* no more parking: the mount is going away */
};

/* Changes on their way to the kernel (notify.c). */
struct notifier {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct note *first, *last; /* struct note::next */
	bool stop;
	bool sweep; /* draft_sweep() is wanted */
	bool started;
	pthread_t thread;
	struct poker poker;
	struct pace pace; /* inodes of what changed, and of tasks that have got on */
	/* The poke under way: of a name, while `poke.dir` is not 0; of a model's directory, its
	 * inode; of a file that is there, its inode. */
	struct name_change poke;
	uint64_t poke_folder, touched;
};

/* The last refusals, for .kiefs/errors (control.c). */
#define ERRORS_KEPT 50
struct errors {
	pthread_mutex_t lock;
	char *lines[ERRORS_KEPT]; /* ring */
	unsigned next;
};

/* The last files whose writer was told that they are no request (refusal.c). */
#define REFUSALS_KEPT 16
struct refusals {
	pthread_mutex_t lock;
	struct refusal {
		int64_t entry; /* 0: none */
		pid_t process;
		int64_t when_ms;
	} kept[REFUSALS_KEPT]; /* ring */
	unsigned next;
};

/* The catalogue's tree in force (live.c). */
struct live {
	pthread_mutex_t lock;
	struct tree *tree;
	_Atomic int64_t since_ms;
	pthread_mutex_t change; /* held by who makes another one */
};

/* The words of the last searches (search.c), the latest at the end. */
#define SEARCHES_KEPT 256
struct searches {
	pthread_mutex_t lock;
	struct search {
		uint64_t inode; /* 0: none */
		char words[ENTRY_NAME_MAX + 1];
	} kept[SEARCHES_KEPT];
};

/* When the daemon's own texts last changed (seen.c). */
struct seen {
	pthread_mutex_t lock;
	struct {
		char digest[DIGEST_HEX_SIZE];
		int64_t since_ms;
	} texts[TREE_KIND_COUNT];
};

/* Scripts of the gallery that were made last (gallery_kept.c). */
#define SCRIPTS_KEPT 4
struct kept {
	pthread_mutex_t lock;
	unsigned next;
	struct kept_script {
		uint64_t inode;
		int64_t stamp, at_ms;
		size_t len;
		char *text; /* NULL: none */
	} scripts[SCRIPTS_KEPT];
};

struct fs {
	struct live live;
	struct searches searches;
	struct seen seen;
	struct kept kept;
	struct store *store;
	const struct files *files;
	struct worker *worker;
	struct fuse_session *session;
	const char *mountpoint;
	const char *config_text;
	const struct callback *callback;
	const char *callback_address, *callback_url;
	const char *report_path; /* .kiefs/catalog-report; NULL: none */
	mount_command_fn *command;
	void *context; /* of `command` */
	bool warn_only;
	const struct users *users;
	int64_t started_ms;
	struct drafts drafts;
	struct handles handles;
	struct waits waits;
	struct notifier notifier;
	struct errors errors;
	struct refusals refusals;
};

static inline struct fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* ---- live.c: the catalogue changes while the mount is in use ---- */

/* Around each request, and whatever else looks at the tree: it has one tree from beginning to end.
 */
void live_enter(struct fs *fs);
void live_leave(void);
/* This thread's, between the two. */
struct tree *fs_tree(const struct fs *fs);
const struct catalogue *fs_catalogue(const struct fs *fs);
/* The first catalogue. 0, -EINVAL, -ENOMEM or the store's. */
int live_start(struct fs *fs, const struct catalogue *catalogue);
/* Another catalogue in the place of the one in force, from any thread; the kernel and watchers are
 * told. On failure all stays as it was: -EEXIST (`err`: which of the user's names stands where a
 * model would have its directory), -EINVAL, -ENOMEM or the store's. */
int live_change(struct fs *fs, const struct catalogue *catalogue, struct error *err);
/* Whether anything of the user's is in the model's directory: 1, 0 or -errno. */
int live_holds(struct fs *fs, const char *model);
void live_finish(struct fs *fs);

/* ---- node.c: what an inode is ---- */

/* Attributes and how long the kernel may keep them (seconds). 0 or -errno. */
int node_stat(struct fs *fs, uint64_t inode, struct stat *st, double *timeout);
void node_fill(
	struct fs *fs, uint64_t inode, mode_t mode, off_t size, int64_t mtime_ms, struct stat *st);
int entry_stat(struct fs *fs, const struct entry *entry, struct stat *st, double *timeout);
/* What lets the notifier open a generated file for writing, and nobody else. */
void attr_for_touch(struct stat *st, double *timeout);
/* Fills a reply's entry for the inode; 0 or -errno. `entry` may be NULL. */
int node_param(
	struct fs *fs, uint64_t inode, const struct entry *entry, struct fuse_entry_param *out);

/* Path of a directory in which entries may stand, below the mount and without a leading slash.
 * -ENOENT, -ENAMETOOLONG. */
int place_path(struct fs *fs, uint64_t dir, char *out, size_t size);
/* Where names of the user's may stand. */
struct place {
	const struct model *model; /* NULL: in uploads/ */
	int depth;		   /* components below the mount */
};
/* -ENOENT: neither in a model's directory nor in uploads/ (any more); -ENAMETOOLONG: too many
 * folders deep. */
int place_of(struct fs *fs, uint64_t dir, struct place *out);
/* One name below a directory. `entry->id` is 0 unless it is an entry's. -ENOENT, -ENOTDIR. */
int node_find(
	struct fs *fs, uint64_t parent, const char *name, struct entry *entry, uint64_t *inode);
/* The directory that a directory or a file stands in; of the root, itself. -ENOENT; -ENOTDIR for
 * links and wait files, of which it is not known. */
int node_parent(struct fs *fs, uint64_t inode, uint64_t *out);
/* Whether a user's file may have the name there: a model's directory has some by itself. */
bool place_is_free(const struct place *place, const char *name);
/* A file whose bytes are a request, by its name and place. */
bool is_request(struct fs *fs, const struct entry *entry);
/* A name that is a number, from 1. 0 or -ENOENT. */
int name_number(const char *name, int64_t *out);
/* "request.json" and so on; NULL past the last. */
const char *task_slot_name(int slot);
#define RESULT_NAME_SIZE 128
/* The name under which a task's own directory shows results[at]; `results` are all `count` of the
 * task, by their numbers. */
void result_name(const struct result *results, int count, int at, char out[RESULT_NAME_SIZE]);

/* ---- spend.c: who may write ---- */

/* 0, or -EACCES, which has been told. */
int check_spender(fuse_req_t req);
/* The rights of what the caller makes. */
mode_t new_mode(fuse_req_t req, mode_t mode);
/* Keeps who made the entry; 0 or the store's. */
int set_maker(fuse_req_t req, struct entry *entry);
/* Whose the user's file or folder is shown to be. */
void set_owner(const struct fs *fs, const struct entry *entry, struct stat *st);

/* ---- text.c: files that are made when looked at ---- */

int text_make(struct fs *fs, uint64_t inode, struct buf *out);
/* A status line with its newline, as of this time: of a task or, where that is 0, what the entry
 * says of an upload. */
int text_status(struct fs *fs, int64_t task, int64_t entry, int64_t now_ms, struct buf *out);

/* ---- seen.c ---- */

int64_t seen_since(struct fs *fs, enum tree_kind kind, const void *text, size_t len);

/* ---- account.c ---- */

int account_text(struct fs *fs, enum tree_kind kind, struct buf *out);
/* When the balance was heard; when the mount began, if it never was. */
int64_t account_heard_ms(struct fs *fs);
/* Somebody reads a generated file of this kind: an old balance is asked for again, in the
 * background. */
void account_opened(struct fs *fs, enum tree_kind kind);

/* ---- chat.c: conversations ---- */

/* One of the files that show a conversation: its text, and when it last changed. */
int talk_make(struct fs *fs, const struct entry *entry, struct buf *out, int64_t *mtime_ms);
int talk_stat(struct fs *fs, const struct entry *entry, struct stat *st);
/* Whether the folder is, or can be, a conversation. */
bool talk_is_place(struct fs *fs, uint64_t dir);
/* Whether a turn may be written into this file now: 0, or -EBUSY, which has been told. */
int talk_may_write(struct fs *fs, const struct entry *entry);
/* Bytes written in a file of the folder become the body of a turn. -EINVAL, -EBUSY, -EFBIG with
 * `err`. */
struct request;
int talk_build(struct fs *fs, uint64_t dir, const struct model *model, const struct buf *bytes,
	const struct buf *defaults, struct request *out, struct error *err);
/* Bytes that stand in the answer's file so far, while it comes in; -1: it does not. */
int64_t talk_size(struct fs *fs, int64_t task);

/* ---- dir.c ---- */

struct listing {
	/* Nonzero: no more. */
	int (*add)(struct listing *listing, const char *name, uint64_t inode,
		const struct entry *entry, off_t next);
};
/* Where the link leads; the longest is a folder's at the greatest depth. */
#define LINK_SIZE 512
int link_target(struct fs *fs, uint64_t inode, char *out, size_t size);
int dir_list(struct fs *fs, uint64_t inode, off_t offset, struct listing *listing);

/* ---- draft.c ---- */

struct draft;
/* Takes a reference for an open handle. NULL: out of memory. */
struct draft *draft_open(struct fs *fs, int64_t entry, bool writer);
void draft_close(struct fs *fs, struct draft *draft, bool writer);
/* Its bytes changed: what was staged is void. */
int draft_changed(struct fs *fs, struct draft *draft);
/* The same for whoever may have it open; 0 when nobody has. */
int draft_touched(struct fs *fs, int64_t entry);
/* A write failed with this errno: nothing is sent until the file is begun anew (0). */
void draft_set_broken(struct fs *fs, struct draft *draft, int error);
/* Commits what is staged and held by nobody: its own commit failed. False: it still fails. */
bool draft_sweep(struct fs *fs);
/* Checks and stages changed bytes; -EINVAL or -EFBIG leave `<name>.error`. What was checked before
 * and not changed since gets the same answer. */
int draft_stage(struct fs *fs, struct draft *draft);
/* Its writer was killed by a signal: the bytes stay, but are no request. */
void draft_abandon(struct fs *fs, struct draft *draft, int killed_by);
/* Nothing to check, and nothing was refused. */
bool draft_is_clean(struct fs *fs, struct draft *draft);
/* Whether a handle holds back bytes of the entry that are to become a task. */
bool draft_is_pending(struct fs *fs, int64_t entry);
/* Whether a part of it may be missing: somebody is writing it, or died over it. */
bool draft_is_unfinished(struct fs *fs, const struct entry *entry);
/* Waits briefly for a release that follows a close() which has already returned. */
void draft_settle(struct fs *fs, int64_t entry);
enum draft_use {
	DRAFT_UNUSED,  /* nobody may write to it any more */
	DRAFT_CLOSED,  /* a close() has seen all that was written, its release has yet to come */
	DRAFT_WRITTEN, /* somebody is writing */
};
/* Keeps closes of the entry's handles waiting until draft_let(), which accepts NULL. */
struct draft *draft_hold(struct fs *fs, int64_t entry, enum draft_use *use);
void draft_let(struct fs *fs, struct draft *draft);
/* The name is about to go; who has the file open keeps it. */
void draft_gone(struct fs *fs, const struct entry *entry);
/* A descriptor of its own for a removed file that is still open; -ENOENT: there is none. */
int draft_gone_fd(struct fs *fs, int64_t entry);
/* It has another name or place: the next close() looks at it anew. */
void draft_renamed(struct fs *fs, int64_t entry, bool staged);
/* Before a rename: checks a file's bytes for a place it is about to have. -errno: refused. What is
 * in `out` is to be staged with the rename unless it is nothing; the caller finishes its request.
 */
struct intake;
int draft_check_for(struct fs *fs, const struct entry *entry, uint64_t dir, const char *name,
	struct intake *out);
int draft_commit(struct fs *fs, int64_t entry);
/* Forgets what nobody closed. What was staged stays so: the next daemon commits it. */
void drafts_finish(struct fs *fs);
/* A write has made the text complete: refuses at once what can never become a request. */
int draft_check_write(struct fs *fs, const struct entry *entry);

/* ---- again.c: requests that wait for a file ---- */

/* A file is whole and has its name: what waits for it goes on. */
void again_arrived(struct fs *fs, const struct entry *entry);
/* Checks a request anew that is incomplete or wants a file, and commits what comes of it. */
void again_look(struct fs *fs, int64_t entry);
/* The same for all such requests, after a restart. */
void again_look_all(struct fs *fs);

/* ---- wait.c ---- */

/* Answers the read now, or parks it. `task` 0: by entry. */
void wait_read(struct fs *fs, fuse_req_t req, int64_t task, int64_t entry);
/* Whether a read would be answered at once. */
bool wait_is_over(struct fs *fs, int64_t task, int64_t entry);
/* Answers whoever waited for this task. */
void wait_check(struct fs *fs);
/* Answers all with ECONNABORTED; later ones are not parked. */
void wait_abort(struct fs *fs);

/* ---- poll.c ---- */

struct handle;
/* What a status file says now; what was said is seen. Also when it says nothing any more. */
int poll_read_status(struct fs *fs, struct handle *handle, struct buf *out);
/* Whoever sleeps in poll(2) over what changed looks again. */
void poll_wake(struct fs *fs, const struct changes *changes);

/* ---- notify.c ---- */

int notifier_start(struct fs *fs);
void notifier_stop(struct fs *fs);
void notifier_queue(struct fs *fs, const struct changes *changes);
/* Another catalogue is in force. Takes ownership of a share of both. */
void notifier_queue_trees(struct fs *fs, struct tree *was, struct tree *is);
/* Accepted requests could not be committed: tries again until they are. */
void notifier_sweep_later(struct fs *fs);

/* ---- poke.c: by the notifier's thread ---- */

/* For a name that came or went. */
void poke_name(struct fs *fs, const struct name_change *change);
/* For a generated file of other bytes than before; `place` is its path below the mount. */
void poke_file(struct fs *fs, uint64_t inode, const char *place);
void poke_entry(struct fs *fs, int64_t entry);
/* For what another catalogue makes of the tree. */
void poke_trees(struct fs *fs, const struct tree *was, const struct tree *is);
/* Of a poke: the inode of the model's directory that it is about; 0: it is about a file. */
uint64_t notifier_poke_folder(struct fs *fs);
/* Whether the request is the notifier's own touch of this file, for watchers to see. */
bool notifier_is_touching(fuse_req_t req, uint64_t inode);
/* Whether the request is the notifier's, of whatever kind: one that nothing is known of would be a
 * name that has changed hands meanwhile, and is refused. */
bool notifier_is_caller(fuse_req_t req);
/* Whether the request is the notifier's own poke of this name; then `*out` is what it is about. */
bool notifier_is_poking(fuse_req_t req, uint64_t dir, const char *name, struct name_change *out);

/* ---- name.c ---- */

/* -EPERM, and the sentence that says where names can be made. */
int refuse_place(struct fs *fs, const char *name);

/* ---- control.c ---- */

/* One word written to tasks/all/<n>/control, or (task 0) to .kiefs/control. */
int control_write(struct fs *fs, int64_t task, const char *text, size_t len);
/* Keeps the sentence for .kiefs/errors. */
void errors_add(struct fs *fs, const char *where, const char *text);
void errors_print(struct fs *fs, struct buf *out);
void errors_finish(struct fs *fs);
/* .kiefs/stats: Prometheus text. */
int stats_print(struct fs *fs, struct buf *out);

/* ---- refusal.c ---- */

/* A write or close() of the file by this process has failed. */
void refusal_keep(struct fs *fs, int64_t entry, pid_t process);
/* Whether that was just now: a program that removes what it could not write. */
bool refusal_is_fresh(struct fs *fs, int64_t entry, pid_t process);

/* ---- the handlers, by file ---- */

extern const struct fuse_lowlevel_ops fs_ops;
void op_init(void *userdata, struct fuse_conn_info *conn);
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_readdirplus(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned int flags);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *fi);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in, off_t offset,
	struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
	struct fuse_file_info *fi);
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi);
void op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t in_offset,
	struct fuse_file_info *in_fi, fuse_ino_t out, off_t out_offset,
	struct fuse_file_info *out_fi, size_t len, int flags);
void op_statfs(fuse_req_t req, fuse_ino_t ino);
void op_poll(
	fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *poller);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
	int flags);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
