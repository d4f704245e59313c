#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "appraise/ratls.h"
#include "appraise/unwrap.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/verify_many.h"
#include "pki/chain.h"
#include "tee/tee.h"
#include "token/cmw.h"
#include "token/ratls.h"

static const char object[] = "evidence";

/* ---- what a file is ---- */

/* DER, or PEM with a chain behind it. */
static bool carries_evidence(struct tobi_bytes bytes)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;
	CLEANUP(arena_done) struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct ratls_carried carried;

	return ratls_is_certificate(bytes) &&
	       !chain_read_first(bytes, object, &certificate, NULL) &&
	       ratls_find(certificate, &arena, &carried, NULL) != TOBI_E_NOT_FOUND;
}

/* As unwrap_is_evidence(), but a certificate must carry some: vendors' do not. */
static bool is_evidence(struct tobi_bytes bytes)
{
	struct cmw cmw;

	return tee_verifier_recognise(bytes) || !cmw_parse(bytes, object, &cmw, NULL) ||
	       carries_evidence(bytes);
}

bool verify_is_evidence(struct tobi_bytes file)
{
	CLEANUP(wr_done) struct writer decoded = wr_init(LIMIT_EVIDENCE);
	struct unwrapped unwrapped = {0};

	return file.size &&
	       !unwrap_evidence(file, is_evidence, &decoded, &unwrapped, NULL) &&
	       is_evidence(unwrapped.bytes);
}

bool verify_is_sev(struct tobi_bytes file)
{
	const struct tee_verifier *verifier = tee_verifier_recognise(file);

	return verifier && strcmp(verifier->tier, "sev") == 0;
}

/* ---- the files of a folder ---- */

void verify_names_done(struct verify_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->paths[i]);
	free(names->paths);
	*names = (struct verify_names){0};
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void free_entries(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

static char *join(const char *folder, const char *name)
{
	size_t size = strlen(folder);
	char *path;

	while (size > 1 && folder[size - 1] == '/')
		size--;
	return asprintf(&path, "%.*s/%s", (int)size, folder, name) < 0 ? NULL : path;
}

/* A link to a folder is not followed: it could lead back. */
static bool is_wanted(const struct verify_common *common, const char *path, mode_t kind)
{
	struct stat st, policy;

	if (kind == S_IFDIR ? lstat(path, &st) != 0 : stat(path, &st) != 0)
		return false;
	if ((st.st_mode & S_IFMT) != kind)
		return false;
	return kind == S_IFDIR || stat(common->policy_path, &policy) != 0 ||
	       st.st_dev != policy.st_dev || st.st_ino != policy.st_ino;
}

static enum tobi_err list(const struct verify_common *common, const char *folder,
			  mode_t kind, struct verify_names *ret_names,
			  struct tobi_fault *fault)
{
	struct verify_names names = {0};
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_shown, alphasort);
	enum tobi_err err = TOBI_OK;

	if (count < 0)
		return fault_errno(fault, object, "", "cannot read the folder %s",
				   folder);
	if (count > VERIFY_FOLDER_MAX)
		err = fault_set(fault, TOBI_E_LIMIT, object, "",
				"%s has more than %d files", folder, VERIFY_FOLDER_MAX);
	if (!err && count)
		names.paths = calloc((size_t)count, sizeof(*names.paths));
	for (int i = 0; i < count && !err; i++) {
		char *path = names.paths ? join(folder, entries[i]->d_name) : NULL;

		if (!path)
			err =
			    fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
		else if (is_wanted(common, path, kind))
			names.paths[names.count++] = path;
		else
			free(path);
	}
	free_entries(entries, count);
	if (err)
		verify_names_done(&names);
	else
		*ret_names = names;
	return err;
}

enum tobi_err verify_list_files(const struct verify_common *common, const char *folder,
				struct verify_names *ret_names, struct tobi_fault *fault)
{
	return list(common, folder, S_IFREG, ret_names, fault);
}

/* ---- what is to be done ---- */

void verify_jobs_done(struct verify_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++) {
		struct verify_job *job = &jobs->jobs[i];

		for (size_t k = 0; k < job->count; k++) {
			free(job->rows[k].file);
			free(job->rows[k].kind);
			free(job->rows[k].tier);
			free(job->rows[k].reason);
			free(job->rows[k].failed);
		}
		free(job->rows);
		free(job->path);
	}
	free(jobs->jobs);
	*jobs = (struct verify_jobs){0};
}

static enum tobi_err add_job(struct verify_jobs *jobs, const char *path, bool is_folder,
			     struct verify_job **ret_job, struct tobi_fault *fault)
{
	if (jobs->count == jobs->room) {
		size_t room = jobs->room ? 2 * jobs->room : 64;
		struct verify_job *more =
		    reallocarray(jobs->jobs, room, sizeof(*jobs->jobs));

		if (!more)
			return fault_set(fault, TOBI_E_MEMORY, object, "",
					 "out of memory");
		jobs->jobs = more;
		jobs->room = room;
	}
	*ret_job = &jobs->jobs[jobs->count];
	**ret_job = (struct verify_job){.path = strdup(path), .is_folder = is_folder};
	if (!(*ret_job)->path)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	jobs->count++;
	return TOBI_OK;
}

static enum tobi_err count_files(struct verify_jobs *jobs, size_t files,
				 struct tobi_fault *fault)
{
	jobs->files += files;
	return jobs->files > VERIFY_FILES_MAX
		   ? fault_set(fault, TOBI_E_LIMIT, object, "", "more than %d files",
			       VERIFY_FILES_MAX)
		   : TOBI_OK;
}

/* Evidence becomes a job; a document of a vendor is for all; the rest is a row that says
 * what it is not. */
static enum tobi_err take_file(struct verify_jobs *jobs, const char *path,
			       struct tobi_collateral *collateral,
			       struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer file = wr_init(LIMIT_BUNDLE);
	struct tobi_fault why = {0};
	struct verify_job *job;
	char text[512];
	enum tobi_err err = file_read(path, LIMIT_BUNDLE, object, &file, &why);

	if (!err && verify_is_evidence(wr_view(&file)))
		return add_job(jobs, path, false, &job, fault);
	if (!err)
		err = tobi_collateral_add(collateral, wr_view(&file), path, &why);
	if (!err)
		return TOBI_OK;
	if (err == TOBI_E_MEMORY)
		return fault_set(fault, err, object, "", "%s", why.message);
	tobi_fault_print(&why, text, sizeof(text));
	err = add_job(jobs, path, false, &job, fault);
	return err ? err
		   : verify_row_add(job, path, VERIFY_UNREADABLE,
				    why.code == TOBI_E_UNSUPPORTED
					? "neither evidence nor a vendor's document"
					: text,
				    fault);
}

static enum tobi_err count_evidence(const struct verify_names *names, size_t *ret_count,
				    struct tobi_fault *fault)
{
	size_t count = 0;
	bool sev = false;

	for (size_t i = 0; i < names->count && count < 2; i++) {
		CLEANUP(wr_done) struct writer file = wr_init(LIMIT_EVIDENCE_TEXT);
		struct tobi_fault why = {0};
		enum tobi_err err =
		    file_read(names->paths[i], LIMIT_EVIDENCE_TEXT, object, &file, &why);

		if (err == TOBI_E_MEMORY)
			return fault_set(fault, err, object, "", "%s", why.message);
		if (err || !verify_is_evidence(wr_view(&file)) ||
		    (sev && verify_is_sev(wr_view(&file))))
			continue;
		sev |= verify_is_sev(wr_view(&file));
		count++;
	}
	*ret_count = count;
	return TOBI_OK;
}

static enum tobi_err take_below(const struct verify_common *common,
				struct verify_jobs *jobs, const char *folder,
				unsigned depth, struct tobi_fault *fault);

/* Its own files are one job, which a thread sorts out. */
/* NOLINTNEXTLINE: VERIFY_DEPTH_MAX ends it */
static enum tobi_err take_folder_below(const struct verify_common *common,
				       struct verify_jobs *jobs, const char *folder,
				       unsigned depth, struct tobi_fault *fault)
{
	struct verify_names files = {0};
	struct verify_job *job;
	enum tobi_err err;

	if (depth == VERIFY_DEPTH_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "%s is more than %d folders deep", folder,
				 VERIFY_DEPTH_MAX);
	err = verify_list_files(common, folder, &files, fault);
	if (!err)
		err = count_files(jobs, files.count, fault);
	if (!err && files.count)
		err = add_job(jobs, folder, true, &job, fault);
	verify_names_done(&files);
	return err ? err : take_below(common, jobs, folder, depth + 1, fault);
}

/* NOLINTNEXTLINE: VERIFY_DEPTH_MAX ends it */
static enum tobi_err take_below(const struct verify_common *common,
				struct verify_jobs *jobs, const char *folder,
				unsigned depth, struct tobi_fault *fault)
{
	struct verify_names folders = {0};
	enum tobi_err err = list(common, folder, S_IFDIR, &folders, fault);

	for (size_t i = 0; i < folders.count && !err; i++)
		err = take_folder_below(common, jobs, folders.paths[i], depth, fault);
	verify_names_done(&folders);
	return err;
}

static enum tobi_err take_folder(const struct verify_common *common,
				 struct verify_jobs *jobs, const char *folder,
				 struct tobi_collateral *collateral,
				 struct tobi_fault *fault)
{
	struct verify_names files = {0};
	struct verify_job *job;
	size_t evidence = 0;
	enum tobi_err err = verify_list_files(common, folder, &files, fault);

	if (!err)
		err = count_files(jobs, files.count, fault);
	if (!err)
		err = count_evidence(&files, &evidence, fault);
	if (!err && evidence == 1)
		err = add_job(jobs, folder, true, &job, fault);
	for (size_t i = 0; i < files.count && evidence != 1 && !err; i++)
		err = take_file(jobs, files.paths[i], collateral, fault);
	verify_names_done(&files);
	return err ? err : take_below(common, jobs, folder, 0, fault);
}

enum tobi_err verify_find_jobs(const struct verify_common *common, char *const *paths,
			       size_t count, struct tobi_collateral *collateral,
			       struct verify_jobs *ret_jobs, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;
	struct stat st;

	for (size_t i = 0; i < count && !err; i++) {
		if (stat(paths[i], &st) != 0)
			return fault_errno(fault, object, "", "%s", paths[i]);
		if (S_ISDIR(st.st_mode) && count == 1)
			ret_jobs->below = paths[i];
		if (S_ISDIR(st.st_mode))
			err = take_folder(common, ret_jobs, paths[i], collateral, fault);
		else
			err = take_file(ret_jobs, paths[i], collateral, fault);
		if (!err && !S_ISDIR(st.st_mode))
			err = count_files(ret_jobs, 1, fault);
	}
	return err;
}
