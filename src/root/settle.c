#include "root/settle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "root/provider.h"

#define OBJECT "migration"

DEFINE_CLEANUP(struct root *, root_free)

static void closedirp(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

static bool is_there(const char *folder, const char *name)
{
	return access(root_in_folder(folder, name).text, F_OK) == 0;
}

bool root_is_decided(const char *folder)
{
	return is_there(folder, SETTLE_COMMIT) || is_there(folder, SETTLE_MOVE);
}

bool root_is_unsettled(const char *folder)
{
	return is_there(folder, SETTLE_NEW) || root_is_decided(folder);
}

static enum tobi_err sync_folder(const char *folder, struct tobi_fault *fault)
{
	CLEANUP(fd_close)
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd))
		return fault_errno(fault, OBJECT, "folder", "cannot sync %s", folder);
	return TOBI_OK;
}

/* rename() that survives a power cut. */
static enum tobi_err step(const char *folder, const char *from, const char *to,
			  struct tobi_fault *fault)
{
	if (rename(root_in_folder(folder, from).text, root_in_folder(folder, to).text))
		return fault_errno(fault, OBJECT, from, "cannot become %s", to);
	return sync_folder(folder, fault);
}

enum tobi_err root_commit(const char *folder, struct tobi_fault *fault)
{
	enum tobi_err err = sync_folder(root_in_folder(folder, SETTLE_NEW).text, fault);

	return err ? err : step(folder, SETTLE_NEW, SETTLE_COMMIT, fault);
}

/* Overwrites what others may find on the disk. On flash and on file systems that never
 * write in place old blocks stay: the documents say so. */
static enum tobi_err wipe_file(const char *path, struct tobi_fault *fault)
{
	static const uint8_t zeros[4096];
	CLEANUP(fd_close)
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	enum tobi_err err = TOBI_OK;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
		for (off_t at = 0; at < st.st_size && !err; at += (off_t)sizeof(zeros)) {
			off_t left = st.st_size - at;
			size_t size =
			    left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);

			err = fd_write_all(fd, (struct tobi_bytes){zeros, size}, OBJECT,
					   fault);
		}
		if (!err && fsync(fd))
			err = fault_errno(fault, OBJECT, "", "cannot overwrite %s", path);
	}
	if (!err && unlink(path) && errno != ENOENT)
		err = fault_errno(fault, OBJECT, "", "cannot remove %s", path);
	return err;
}

/* What a platform of whatever kind has in its folder, and what a write of it that was
 * killed leaves (NAME.XXXXXX). */
static bool is_platforms(const char *name)
{
	static const char *const names[] = {
	    "platform-ca.key", "platform-ca.pem", "platform.key", "platform.pem",
	    "owner.pem",       "seal-root",	  "counters",	  "ak.pem",
	    "ak-owner.pem",    "tpm.new",	  "pkcs11.new"};
	const struct root_provider *provider;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size = strlen(names[i]);

		if (strncmp(name, names[i], size) == 0 &&
		    (!name[size] || (name[size] == '.' && strlen(name) == size + 7)))
			return true;
	}
	for (size_t i = 0; (provider = root_provider_at(i)); i++) {
		size_t size = strlen(provider->marker ? provider->marker : "");

		if (size && strncmp(name, provider->marker, size) == 0 &&
		    (!name[size] || name[size] == '.'))
			return true;
	}
	return false;
}

static bool is_any(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* The first such name; empty when there is none. */
static enum tobi_err find_one(const char *folder, bool (*fits)(const char *name),
			      char ret_name[static NAME_MAX + 1],
			      struct tobi_fault *fault)
{
	CLEANUP(closedirp) DIR *list = opendir(folder);
	struct dirent *entry;

	ret_name[0] = 0;
	if (!list)
		return fault_errno(fault, OBJECT, "folder", "cannot list %s", folder);
	while (!ret_name[0] && (entry = readdir(list))) {
		if (fits(entry->d_name))
			snprintf(ret_name, NAME_MAX + 1, "%s", entry->d_name);
	}
	return TOBI_OK;
}

static enum tobi_err wipe_all(const char *folder, bool (*fits)(const char *name),
			      struct tobi_fault *fault)
{
	char name[NAME_MAX + 1];
	enum tobi_err err;

	for (;;) {
		err = find_one(folder, fits, name, fault);
		if (err || !name[0])
			return err;
		err = wipe_file(root_in_folder(folder, name).text, fault);
		if (err)
			return err;
	}
}

enum tobi_err root_wipe(const char *folder, struct tobi_fault *fault)
{
	return wipe_all(folder, is_platforms, fault);
}

/* A device keeps its keys when the files that name them are gone. false: they stay. */
static bool forget_keys(const char *folder)
{
	const struct root_provider *provider = root_find_marker(folder);
	CLEANUP(root_freep) struct root *root = NULL;

	if (!provider || !provider->forget)
		return true;
	return !root_open_unlocked(folder, &root, NULL) && !provider->forget(root, NULL);
}

static enum tobi_err throw_away(const char *stage, struct tobi_fault *fault)
{
	enum tobi_err err;

	forget_keys(stage);
	root_sweep_devices(stage);
	err = wipe_all(stage, is_any, fault);
	if (!err && rmdir(stage))
		err = fault_errno(fault, OBJECT, "", "cannot remove %s", stage);
	return err;
}

static enum tobi_err move_up(const char *folder, struct tobi_fault *fault)
{
	struct root_path from = root_in_folder(folder, SETTLE_MOVE);
	char name[NAME_MAX + 1];
	enum tobi_err err;

	for (;;) {
		err = find_one(from.text, is_any, name, fault);
		if (err || !name[0])
			break;
		if (rename(root_in_folder(from.text, name).text,
			   root_in_folder(folder, name).text))
			return fault_errno(fault, OBJECT, name, "cannot be moved");
	}
	if (!err)
		err = sync_folder(folder, fault);
	if (!err && rmdir(from.text))
		err = fault_errno(fault, OBJECT, "", "cannot remove %s", from.text);
	return err;
}

enum tobi_err root_settle(const char *folder, bool *ret_left, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (is_there(folder, SETTLE_NEW))
		err = throw_away(root_in_folder(folder, SETTLE_NEW).text, fault);
	if (!err && is_there(folder, SETTLE_COMMIT)) {
		if (!forget_keys(folder))
			*ret_left = true;
		err = root_wipe(folder, fault);
		if (!err)
			err = step(folder, SETTLE_COMMIT, SETTLE_MOVE, fault);
	}
	if (!err && is_there(folder, SETTLE_MOVE))
		err = move_up(folder, fault);
	return err;
}
