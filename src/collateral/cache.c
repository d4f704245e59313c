#include "collateral/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "collateral/cache_entry.h"

DEFINE_CLEANUP(struct tobi_collateral *, tobi_collateral_free)

static const char object[] = "cache";

enum {
	FOLDER_MODE = 0700,
	OTHERS_WRITE = 022,
	NAME_BYTES = 16,
	POLL_MS = 20,
	AHEAD = 600, /* seconds that another's clock, or start, may be ahead */
};

struct paths {
	char entry[LIMIT_PATH], miss[LIMIT_PATH], lock[LIMIT_PATH];
};

static enum tobi_err make_parents(const char *folder, struct tobi_fault *fault)
{
	char path[LIMIT_PATH];

	if (snprintf(path, sizeof(path), "%s", folder) >= (int)sizeof(path))
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "the path is over %d bytes", LIMIT_PATH);
	for (char *at = path + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = 0;
		if (mkdir(path, FOLDER_MODE) && errno != EEXIST)
			return fault_errno(fault, object, "", "cannot make %s", path);
		*at = '/';
	}
	return TOBI_OK;
}

enum tobi_err cache_open(const char *folder, struct tobi_fault *fault)
{
	struct stat st;
	enum tobi_err err = make_parents(folder, fault);

	if (err)
		return err;
	if (mkdir(folder, FOLDER_MODE) && errno != EEXIST)
		return fault_errno(fault, object, "", "cannot make %s", folder);
	if (lstat(folder, &st))
		return fault_errno(fault, object, "", "cannot look at %s", folder);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & OTHERS_WRITE)
		return fault_set(fault, TOBI_E_DENIED, object, "",
				 "%s must be a folder of your own that nobody else may "
				 "write to",
				 folder);
	return TOBI_OK;
}

/* By where it comes from: caches of two services do not mix. */
static enum tobi_err name_paths(const struct cache_settings *cache,
				const struct fetch_settings *fetch,
				const struct need *need, struct paths *ret_paths,
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(8192);
	const char *base = fetch_named(fetch, need->service);
	char name[2 * NAME_BYTES + 1];
	uint8_t hash[SHA256_SIZE];
	int size;

	wr_printf(&text, "%d %s %s", (int)need->service, base ? base : "", need->path);
	if (wr_err(&text) || hash_sha256(wr_view(&text), hash))
		return fault_set(fault, TOBI_E_CRYPTO, object, "", "cannot name it");
	hex_write((struct tobi_bytes){hash, NAME_BYTES}, name, sizeof(name));
	size = snprintf(ret_paths->entry, LIMIT_PATH, "%s/%s" CACHE_ENTRY_SUFFIX,
			cache->folder, name);
	snprintf(ret_paths->miss, LIMIT_PATH, "%s/%s" CACHE_MISS_SUFFIX, cache->folder,
		 name);
	snprintf(ret_paths->lock, LIMIT_PATH, "%s/%s" CACHE_LOCK_SUFFIX, cache->folder,
		 name);
	return size < LIMIT_PATH ? TOBI_OK
				 : fault_set(fault, TOBI_E_LIMIT, object, "",
					     "the path is over %d bytes", LIMIT_PATH);
}

/* The entry's one document, checked as if it had been fetched just now. */
static enum tobi_err
read_entry(const struct paths *paths, const struct fetch_settings *fetch,
	   const struct need *need, const struct tobi_collateral *known,
	   struct tobi_collateral *held, const struct collateral_item **ret_item,
	   struct cache_report *report, struct tobi_fault *fault)
{
	const struct collateral_item *item;
	enum tobi_err err = entry_read(paths->entry, held, fault);
	const char *unmet;

	if (err)
		return err;
	item = collateral_at(held, 0);
	unmet = item && collateral_count(held) == 1 ? need_unmet(need, item)
						    : "it has not one document";
	if (unmet)
		return fault_set(fault, TOBI_E_MISMATCH, object, "", "%s: %s",
				 paths->entry, unmet);
	*ret_item = item;
	return collateral_check(item, known, &fetch->rules, &report->checked, fault);
}

static bool has_expired(const struct collateral_item *item,
			const struct collateral_rules *rules)
{
	int64_t issued, next;

	collateral_dates(item, &issued, &next);
	return next && rules->time >= next + rules->grace;
}

/* A leaf of AMD's is what it is for as long as it is valid. */
static bool is_fresh(const struct collateral_item *item,
		     const struct cache_settings *cache,
		     const struct collateral_rules *rules)
{
	int64_t age = rules->time - item->fetched;

	/* Who has waited for another has an earlier time than that one. */
	return item->kind == COLLATERAL_SNP_LEAF ||
	       (age >= -AHEAD && age < cache->max_age);
}

struct held {
	struct tobi_collateral *set;
	const struct collateral_item *item; /* NULL: nothing that may be served */
	enum collateral_checked checked;
};

static void held_done(struct held *held)
{
	tobi_collateral_free(held->set);
}

/* What is there and holds; what is there and cannot hold any more is thrown away. */
static enum tobi_err look(const struct paths *paths, const struct fetch_settings *fetch,
			  const struct need *need, const struct tobi_collateral *known,
			  struct held *held, struct cache_report *report,
			  struct tobi_fault *fault)
{
	struct tobi_fault why = {0};
	enum tobi_err err;

	tobi_collateral_free(held->set);
	*held = (struct held){.set = tobi_collateral_new()};
	if (!held->set)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = read_entry(paths, fetch, need, known, held->set, &held->item, report, &why);
	held->checked = report->checked;
	if (!err || err == TOBI_E_NOT_FOUND)
		return TOBI_OK;
	if (held->item && has_expired(held->item, &fetch->rules)) {
		held->item = NULL;
		return TOBI_OK;
	}
	held->item = NULL;
	report->dropped = true;
	report->why = why;
	if (unlink(paths->entry) && errno != ENOENT)
		return fault_errno(fault, object, "", "cannot remove %s", paths->entry);
	return TOBI_OK;
}

static void sleep_ms(unsigned milliseconds)
{
	const struct timespec time = {0, milliseconds * 1000000L};

	nanosleep(&time, NULL);
}

/* Waits for whoever fetches, so long and no longer. */
static enum tobi_err lock(const char *path, unsigned wait_ms, int *ret_fd,
			  struct tobi_fault *fault)
{
	CLEANUP(fd_close)
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fault_errno(fault, object, "", "cannot open %s", path);
	for (unsigned waited = 0; flock(fd, LOCK_EX | LOCK_NB); waited += POLL_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fault_errno(fault, object, "", "cannot lock %s", path);
		if (waited >= wait_ms)
			return fault_set(fault, TOBI_E_TIMEOUT, object, "",
					 "another process has been fetching the same for "
					 "too long");
		sleep_ms(POLL_MS);
	}
	*ret_fd = fd;
	fd = -1;
	return TOBI_OK;
}

/* The source gives nothing: what is still valid will do. */
static enum tobi_err fall_back(const struct held *held, struct tobi_collateral *set,
			       struct cache_report *report, const struct tobi_fault *why,
			       struct tobi_fault *fault)
{
	if (!held->item) {
		if (fault)
			*fault = *why;
		return why->code;
	}
	report->how = CACHE_IN_NEED;
	report->checked = held->checked;
	report->why = *why;
	return collateral_put(set, held->item, fault);
}

/* A source that is behind, or was put there, does not turn back what is known; that is,
 * what its vendor has signed: anybody's word would hold up the vendor's own. */
static enum tobi_err take_newer(const struct paths *paths, const struct held *held,
				const struct tobi_collateral *fresh,
				struct tobi_collateral *set, struct cache_report *report,
				int64_t now, struct tobi_fault *fault)
{
	const struct collateral_item *item = collateral_at(fresh, 0);
	struct tobi_fault why = {0};
	enum tobi_err err;

	if (held->item && held->checked == COLLATERAL_CHECKED &&
	    collateral_is_older(item, held->item)) {
		fault_set(&why, TOBI_E_MISMATCH, object, "",
			  "the source gives an older document than the copy");
		/* As of one that is down: best effort. */
		IGNORE(miss_write(paths->miss, &why, now, NULL));
		return fall_back(held, set, report, &why, fault);
	}
	report->how = CACHE_FETCHED;
	unlink(paths->miss);
	err = collateral_put(set, item, fault);
	return err ? err : entry_write(paths->entry, fresh, now, fault);
}

/* With the lock. */
static enum tobi_err fetch_and_keep(const struct paths *paths,
				    const struct fetch_settings *fetch,
				    const struct need *need, const struct held *held,
				    struct tobi_collateral *set,
				    struct cache_report *report, struct tobi_fault *fault)
{
	CLEANUP(tobi_collateral_freep)
	struct tobi_collateral *fresh = tobi_collateral_new();
	const int64_t now = fetch->rules.time;
	struct tobi_fault why = {0};

	if (!fresh)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (miss_read(paths->miss, now, &why))
		return fall_back(held, set, report, &why, fault);
	if (fetch_document(fetch, need, set, fresh, &report->checked, &why)) {
		/* Best effort: without it the next one asks again. */
		IGNORE(miss_write(paths->miss, &why, now, NULL));
		return fall_back(held, set, report, &why, fault);
	}
	return take_newer(paths, held, fresh, set, report, now, fault);
}

enum tobi_err cache_get(const struct cache_settings *cache,
			const struct fetch_settings *fetch, const struct need *need,
			struct tobi_collateral *set, struct cache_report *ret_report,
			struct tobi_fault *fault)
{
	CLEANUP(held_done) struct held held = {0};
	CLEANUP(fd_close) int fd = -1;
	struct tobi_fault why = {0};
	struct paths paths;
	enum tobi_err err = name_paths(cache, fetch, need, &paths, fault);

	*ret_report = (struct cache_report){.how = CACHE_KEPT};
	if (!err)
		err = look(&paths, fetch, need, set, &held, ret_report, fault);
	if (err)
		return err;
	if (held.item && is_fresh(held.item, cache, &fetch->rules))
		return collateral_put(set, held.item, fault);
	err = lock(paths.lock, cache->wait_ms, &fd, &why);
	if (err)
		return fall_back(&held, set, ret_report, &why, fault);
	/* Whoever had the lock may have brought it. */
	err = look(&paths, fetch, need, set, &held, ret_report, fault);
	if (err)
		return err;
	if (held.item && is_fresh(held.item, cache, &fetch->rules))
		return collateral_put(set, held.item, fault);
	return fetch_and_keep(&paths, fetch, need, &held, set, ret_report, fault);
}

static int is_entry(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name), suffix = strlen(CACHE_ENTRY_SUFFIX);

	return size > suffix &&
	       strcmp(entry->d_name + size - suffix, CACHE_ENTRY_SUFFIX) == 0;
}

enum tobi_err cache_read_all(const char *folder, struct tobi_collateral *set,
			     size_t *ret_damaged, struct tobi_fault *fault)
{
	CLEANUP(freep) struct dirent **names = NULL;
	int count = scandir(folder, &names, is_entry, alphasort);
	enum tobi_err err = TOBI_OK;
	char path[LIMIT_PATH];

	*ret_damaged = 0;
	if (count < 0)
		return fault_set(
		    fault, TOBI_E_NOT_FOUND, object, "",
		    "there is no folder %s; `tobichi collateral fetch` fills "
		    "it",
		    folder);
	if (count > CACHE_FILES_MAX)
		err = fault_set(fault, TOBI_E_LIMIT, object, "",
				"%s has more than %d documents", folder, CACHE_FILES_MAX);
	for (int i = 0; i < count && !err; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		err = entry_read(path, set, fault);
		/* Only what concerns the set stops it. */
		if (err && err != TOBI_E_MEMORY) {
			++*ret_damaged;
			err = TOBI_OK;
		}
	}
	for (int i = 0; i < count; i++)
		free(names[i]);
	return err;
}
