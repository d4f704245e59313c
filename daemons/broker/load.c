#include "daemons/broker/load.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "appraise/policy_files.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "daemons/broker/log.h"
#include "daemons/broker/tls.h"

enum { FOLDER_FILES_MAX = 4096 };

static enum tobi_err load_file(struct tobi_collateral *set, const char *path,
			       struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_BUNDLE);
	enum tobi_err err = file_read(path, LIMIT_BUNDLE, "collateral", &bytes, fault);

	return err ? err : tobi_collateral_add(set, wr_view(&bytes), path, fault);
}

static int is_wanted(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* A file in a folder that is no collateral is passed over, and told; a broken bundle or a
 * limit is not passed over. */
static enum tobi_err load_member(struct tobi_collateral *set, const char *folder,
				 const char *name, struct tobi_fault *fault)
{
	char path[LIMIT_PATH];
	struct stat st;
	enum tobi_err err;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return fault_set(fault, TOBI_E_LIMIT, "collateral", "",
				 "a path in %s is over %d bytes", folder, LIMIT_PATH);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return TOBI_OK;
	err = load_file(set, path, fault);
	if (err != TOBI_E_UNSUPPORTED)
		return err;
	log_event("warning", "not-collateral", "path", path);
	return TOBI_OK;
}

static enum tobi_err load_path(struct tobi_collateral *set, const char *path,
			       struct tobi_fault *fault)
{
	CLEANUP(freep) struct dirent **names = NULL;
	enum tobi_err err = TOBI_OK;
	struct stat st;
	int count;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return load_file(set, path, fault);
	count = scandir(path, &names, is_wanted, alphasort);
	if (count < 0)
		return fault_errno(fault, "collateral", "", "cannot read the folder %s",
				   path);
	if (count > FOLDER_FILES_MAX)
		err = fault_set(fault, TOBI_E_LIMIT, "collateral", "",
				"%s has more than %d files", path, FOLDER_FILES_MAX);
	for (int i = 0; i < count && !err; i++)
		err = load_member(set, path, names[i]->d_name, fault);
	for (int i = 0; i < count; i++)
		free(names[i]);
	return err;
}

static enum tobi_err load_collateral(const struct config *config,
				     struct tobi_collateral **ret_set,
				     struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (!config->collateral_count)
		return TOBI_OK;
	*ret_set = tobi_collateral_new();
	if (!*ret_set)
		return fault_set(fault, TOBI_E_MEMORY, "collateral", "", "out of memory");
	for (size_t i = 0; i < config->collateral_count && !err; i++)
		err = load_path(*ret_set, config->collateral[i], fault);
	return err;
}

enum tobi_err load_files(const struct config *config, struct loaded *ret_loaded,
			 struct tobi_fault *fault)
{
	const struct tls_setup tls = {config->certificate, config->key, config->tls12};
	struct loaded loaded = {0};
	enum tobi_err err = TOBI_OK;

	if (config->certificate)
		err = tls_open(&tls, &loaded.tls, fault);
	if (!err && config->attested_count)
		err = attesting_self_load(config, &loaded.self, fault);
	if (!err && config->entry)
		err = policy_read_file(config->entry, &loaded.entry, fault);
	if (!err)
		err = load_collateral(config, &loaded.collateral, fault);
	if (err)
		loaded_done(&loaded);
	else
		*ret_loaded = loaded;
	return err;
}

void loaded_done(struct loaded *loaded)
{
	SSL_CTX_free(loaded->tls);
	attesting_self_unref(loaded->self);
	tobi_policy_free(loaded->entry);
	tobi_collateral_free(loaded->collateral);
	*loaded = (struct loaded){0};
}
