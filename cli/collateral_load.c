#include "cli/collateral_load.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/collateral.h"
#include "collateral/bundle.h"

enum { FOLDER_FILES_MAX = 4096 };

/* The file is named in what went wrong. */
static enum tobi_err in_file(const char *path, enum tobi_err err,
			     struct tobi_fault *fault)
{
	const struct tobi_fault inner = *fault;

	return fault_set(fault, err, "collateral", "", "%s: %s%s%s", path, inner.field,
			 inner.field[0] ? ": " : "", inner.message);
}

static enum tobi_err load_file(struct tobi_collateral *set, const char *path,
			       bool *ret_is_bundle, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_BUNDLE);
	enum tobi_err err = file_read(path, LIMIT_BUNDLE, "collateral", &bytes, fault);

	if (err)
		return err;
	*ret_is_bundle = bundle_is(wr_view(&bytes));
	err = tobi_collateral_add(set, wr_view(&bytes), path, fault);
	return err ? in_file(path, err, fault) : TOBI_OK;
}

static void warn(const struct tobi_fault *fault)
{
	struct tobi_bytes text = {(const uint8_t *)fault->message,
				  strlen(fault->message)};

	fputs("tobichi: warning: left out ", stderr);
	cli_print_text(stderr, text);
	fputc('\n', stderr);
}

static int is_wanted(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static enum tobi_err load_one(struct tobi_collateral *set, const char *folder,
			      const char *name, struct tobi_fault *fault)
{
	char path[LIMIT_PATH];
	struct stat st;
	bool is_bundle = false;
	enum tobi_err err;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return fault_set(fault, TOBI_E_LIMIT, "collateral", "",
				 "a path in %s is over %d bytes", folder, LIMIT_PATH);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return TOBI_OK;
	err = load_file(set, path, &is_bundle, fault);
	/* No limit is passed over, and no broken seal. */
	if (!err || is_bundle || err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO)
		return err;
	warn(fault);
	return TOBI_OK;
}

static enum tobi_err load_folder(struct tobi_collateral *set, const char *path,
				 struct tobi_fault *fault)
{
	CLEANUP(freep) struct dirent **names = NULL;
	int count = scandir(path, &names, is_wanted, alphasort);
	enum tobi_err err = TOBI_OK;

	if (count < 0)
		return fault_errno(fault, "collateral", "", "cannot read the folder %s",
				   path);
	if (count > FOLDER_FILES_MAX)
		err = fault_set(fault, TOBI_E_LIMIT, "collateral", "",
				"%s has more than %d files", path, FOLDER_FILES_MAX);
	for (int i = 0; i < count && !err; i++)
		err = load_one(set, path, names[i]->d_name, fault);
	for (int i = 0; i < count; i++)
		free(names[i]);
	return err;
}

enum tobi_err collateral_load(struct tobi_collateral *set, const char *path,
			      struct tobi_fault *fault)
{
	struct stat st;
	bool is_bundle;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return load_folder(set, path, fault);
	return load_file(set, path, &is_bundle, fault);
}

enum tobi_err collateral_load_cache(struct tobi_collateral *set, const char *folder,
				    struct tobi_fault *fault)
{
	char path[LIMIT_PATH];
	size_t damaged = 0;
	enum tobi_err err = collateral_cache_folder(folder, path, fault);

	if (!err)
		err = cache_read_all(path, set, &damaged, fault);
	if (damaged)
		fprintf(stderr, "tobichi: warning: left out %zu damaged in the cache\n",
			damaged);
	return err;
}

const char *collateral_paths_add(struct collateral_paths *paths, const char *path)
{
	if (paths->count == COLLATERAL_PATHS_MAX)
		return "there are too many --collateral";
	paths->paths[paths->count++] = path;
	return NULL;
}

enum tobi_err collateral_paths_load(const struct collateral_paths *paths,
				    struct tobi_collateral **ret_set,
				    struct tobi_fault *fault)
{
	CLEANUP(tobi_collateral_freep) struct tobi_collateral *set = NULL;
	enum tobi_err err = TOBI_OK;

	if (!paths->count && !paths->cache)
		return TOBI_OK;
	set = tobi_collateral_new();
	if (!set)
		return fault_set(fault, TOBI_E_MEMORY, "collateral", "", "out of memory");
	for (size_t i = 0; i < paths->count && !err; i++)
		err = collateral_load(set, paths->paths[i], fault);
	if (!err && paths->cache)
		err = collateral_load_cache(set, paths->cache[0] ? paths->cache : NULL,
					    fault);
	if (!err)
		*ret_set = TAKE(set);
	return err;
}
