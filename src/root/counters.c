#include "root/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "root/counters_file.h"

#define OBJECT "counters"
#define LOST "If it is lost: COUNTERS in tobichi-platform(1)"

struct counters {
	struct counters_setup setup;
	int lock;
	struct counters_table table; /* as on the disk, and confirmed */
	/* A step has failed: what is on the disk is not known. */
	bool doubtful;
};

struct path {
	char text[LIMIT_PATH + 1];
};

static struct path path_of(const struct counters_setup *setup)
{
	struct path path;

	snprintf(path.text, sizeof(path.text), "%s/" COUNTERS_FILE, setup->folder);
	return path;
}

/* A rename that is only in the folder's cache would be forgotten in a power cut. */
static enum tobi_err write_to_disk(const struct counters_setup *setup,
				   struct tobi_bytes bytes, struct tobi_fault *fault)
{
	CLEANUP(fd_close)
	int folder = open(setup->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum tobi_err err;

	if (folder < 0)
		return fault_errno(fault, OBJECT, "", "cannot open %s", setup->folder);
	err = file_write(path_of(setup).text, 0600, bytes, OBJECT, fault);
	if (!err && fsync(folder))
		err = fault_errno(fault, OBJECT, "", "cannot be kept");
	return err;
}

static enum tobi_err write_table(const struct counters_setup *setup,
				 const struct counters_table *table,
				 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(COUNTERS_FILE_MAX);
	enum tobi_err err = counters_file_write(table, setup->key, &out, fault);

	if (err)
		return err;
	return setup->write ? setup->write(path_of(setup).text, wr_view(&out), fault)
			    : write_to_disk(setup, wr_view(&out), fault);
}

static enum tobi_err step_anchor(const struct counters_setup *setup, uint64_t expected,
				 struct tobi_fault *fault)
{
	uint64_t value = 0;
	enum tobi_err err = setup->anchor(setup->context, true, &value, fault);

	if (!err && value != expected)
		err = fault_set(fault, TOBI_E_MISMATCH, OBJECT, "anchor",
				"somebody else moves the hardware's counter: it is at "
				"%llu, not %llu",
				(unsigned long long)value, (unsigned long long)expected);
	return err;
}

/* The file fits the hardware, or a step that was interrupted is finished. */
static enum tobi_err check_anchor(struct counters *counters, struct tobi_fault *fault)
{
	const struct counters_setup *setup = &counters->setup;
	const struct counters_table *table = &counters->table;
	uint64_t value = 0;
	enum tobi_err err;

	if (table->anchored != (setup->anchor != NULL))
		return fault_set(fault, TOBI_E_MISMATCH, OBJECT, "anchor",
				 table->anchored
				     ? "the file belongs to a counter in hardware that "
				       "this root of trust does not have"
				     : "the file belongs to no counter in hardware, and "
				       "this root of trust has one");
	if (!setup->anchor)
		return TOBI_OK;
	err = setup->anchor(setup->context, false, &value, fault);
	if (err || table->anchor == value)
		return err;
	if (table->anchor - 1 != value)
		return fault_set(fault, TOBI_E_MISMATCH, OBJECT, "anchor",
				 "rolled back: the file is of step %llu, the hardware's "
				 "counter at %llu; bring the newest file back. " LOST,
				 (unsigned long long)table->anchor,
				 (unsigned long long)value);
	return step_anchor(setup, table->anchor, fault);
}

/* The file first: a power cut between the two leaves one that is a step ahead. */
static enum tobi_err commit(struct counters *counters, struct tobi_fault *fault)
{
	struct counters_table *table = &counters->table;
	enum tobi_err err;

	if (table->anchored)
		table->anchor++;
	err = write_table(&counters->setup, table, fault);
	return err || !table->anchored
		   ? err
		   : step_anchor(&counters->setup, table->anchor, fault);
}

/*
 * A step that was cut off has left a file that names the hardware's next value, or by now
 * its present one, and who can put files back can choose between that and the one that
 * was read. So before a value of it is told to anybody the hardware moves twice with
 * nothing changed: then every other file is of an old step.
 */
static enum tobi_err settle(struct counters *counters, struct tobi_fault *fault)
{
	enum tobi_err err = check_anchor(counters, fault);

	for (int i = 0; i < 2 && !err && counters->table.anchored; i++)
		err = commit(counters, fault);
	return err;
}

static enum tobi_err load(struct counters *counters, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(COUNTERS_FILE_MAX);
	struct path path = path_of(&counters->setup);
	enum tobi_err err;

	counters->table.count = 0;
	counters->table.anchored = false;
	counters->table.anchor = 0;
	err = file_read(path.text, COUNTERS_FILE_MAX, OBJECT, &bytes, fault);
	if (err == TOBI_E_NOT_FOUND && !counters->setup.anchor)
		return TOBI_OK;
	if (err == TOBI_E_NOT_FOUND)
		return fault_set(fault, err, OBJECT, "",
				 "%s is missing, though the hardware's counter belongs "
				 "to one; bring it back. " LOST,
				 path.text);
	if (!err)
		err = counters_file_parse(wr_view(&bytes), counters->setup.key,
					  &counters->table, fault);
	return err ? err : settle(counters, fault);
}

static enum tobi_err new_counters(const struct counters_setup *setup,
				  struct counters **ret_counters,
				  struct tobi_fault *fault)
{
	struct counters *counters = calloc(1, sizeof(*counters));

	if (counters) {
		counters->lock = -1;
		counters->table.entries =
		    calloc(LIMIT_COUNTERS, sizeof(*counters->table.entries));
	}
	if (!counters || !counters->table.entries) {
		counters_free(counters);
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	}
	counters->setup = *setup;
	*ret_counters = counters;
	return TOBI_OK;
}

/* Of a file of its own: the other one is replaced. */
static enum tobi_err take_lock(struct counters *counters, struct tobi_fault *fault)
{
	char path[LIMIT_PATH + 1];

	snprintf(path, sizeof(path), "%s/" COUNTERS_LOCK, counters->setup.folder);
	counters->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (counters->lock < 0)
		return fault_errno(fault, OBJECT, "lock", "cannot open %s", path);
	if (!flock(counters->lock, LOCK_EX | LOCK_NB))
		return TOBI_OK;
	if (errno != EWOULDBLOCK)
		return fault_errno(fault, OBJECT, "lock", "%s cannot be locked", path);
	return fault_set(fault, TOBI_E_EXISTS, OBJECT, "lock",
			 "another service counts in %s", counters->setup.folder);
}

enum tobi_err counters_open(const struct counters_setup *setup,
			    struct counters **ret_counters, struct tobi_fault *fault)
{
	struct counters *counters = NULL;
	enum tobi_err err;

	if (strlen(setup->folder) + sizeof(COUNTERS_LOCK) >= LIMIT_PATH)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "",
				 "the folder's path is too long");
	err = new_counters(setup, &counters, fault);
	if (!err)
		err = take_lock(counters, fault);
	if (!err)
		err = load(counters, fault);
	if (err) {
		counters_free(counters);
		return err;
	}
	*ret_counters = counters;
	return TOBI_OK;
}

void counters_free(struct counters *counters)
{
	if (!counters)
		return;
	explicit_bzero(counters->setup.key, sizeof(counters->setup.key));
	fd_close(&counters->lock);
	free(counters->table.entries);
	free(counters);
}

/* For a platform that has used no counter yet: no other file can be good, nor was. */
static enum tobi_err write_first(const struct counters_setup *setup,
				 struct counters_table *table, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	table->anchored = setup->anchor != NULL;
	table->anchor = 0;
	if (setup->anchor)
		err = setup->anchor(setup->context, false, &table->anchor, fault);
	return err ? err : write_table(setup, table, fault);
}

enum tobi_err counters_create(const struct counters_setup *setup,
			      struct tobi_fault *fault)
{
	struct counters_table empty = {0};
	struct path path = path_of(setup);

	if (access(path.text, F_OK) == 0)
		return fault_set(fault, TOBI_E_EXISTS, OBJECT, "",
				 "there are counters in %s already", path.text);
	return write_first(setup, &empty, fault);
}

enum tobi_err counters_move(const struct counters_setup *from,
			    const struct counters_setup *to, struct tobi_fault *fault)
{
	struct counters *counters = NULL;
	enum tobi_err err = counters_open(from, &counters, fault);

	if (!err)
		err = write_first(to, &counters->table, fault);
	counters_free(counters);
	return err;
}

bool counters_are_anchored(const struct counters *counters)
{
	return counters->setup.anchor != NULL;
}

static enum tobi_err name_entry(const uint8_t *owner, struct tobi_bytes name,
				struct counter_entry *ret_entry, struct tobi_fault *fault)
{
	struct counter_entry entry = {0};

	if (!name.size || name.size > sizeof(entry.name) ||
	    memchr(name.ptr, 0, name.size))
		return fault_set(fault, TOBI_E_ARGUMENT, "counter", "name",
				 "it has 1 to %zu bytes, none of them zero",
				 sizeof(entry.name));
	bytes_copy(entry.owner, sizeof(entry.owner), owner, COUNTER_OWNER_SIZE);
	bytes_copy(entry.name, sizeof(entry.name), name.ptr, name.size);
	*ret_entry = entry;
	return TOBI_OK;
}

/* Where it is; where it belongs when it is not there. */
static size_t find(const struct counters_table *table, const struct counter_entry *entry,
		   bool *ret_there)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (counter_compare(&table->entries[middle], entry) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_there = low < table->count && !counter_compare(&table->entries[low], entry);
	return low;
}

static enum tobi_err make_certain(struct counters *counters, struct tobi_fault *fault)
{
	enum tobi_err err = counters->doubtful ? load(counters, fault) : TOBI_OK;

	counters->doubtful = err != TOBI_OK;
	return err;
}

enum tobi_err counters_read(struct counters *counters,
			    const uint8_t owner[static COUNTER_OWNER_SIZE],
			    struct tobi_bytes name, uint64_t *ret_value,
			    struct tobi_fault *fault)
{
	struct counter_entry entry;
	bool there = false;
	enum tobi_err err = name_entry(owner, name, &entry, fault);
	size_t at;

	if (!err)
		err = make_certain(counters, fault);
	if (err)
		return err;
	at = find(&counters->table, &entry, &there);
	*ret_value = there ? counters->table.entries[at].value : 0;
	return TOBI_OK;
}

static enum tobi_err check_room(const struct counters_table *table,
				const struct counter_entry *entry,
				struct tobi_fault *fault)
{
	struct tobi_bytes owner = {entry->owner, sizeof(entry->owner)};
	size_t own = 0;

	for (size_t i = 0; i < table->count; i++)
		own += bytes_equal(owner, (struct tobi_bytes){table->entries[i].owner,
							      COUNTER_OWNER_SIZE});
	if (own == LIMIT_COUNTERS_EACH)
		return fault_set(fault, TOBI_E_LIMIT, "counter", "",
				 "this enclave has %d counters already",
				 LIMIT_COUNTERS_EACH);
	if (table->count == LIMIT_COUNTERS)
		return fault_set(fault, TOBI_E_LIMIT, "counter", "",
				 "the platform has %d counters already", LIMIT_COUNTERS);
	return TOBI_OK;
}

/* Adds one to it, and it to the table when it is new. */
static enum tobi_err add_one(struct counters_table *table,
			     const struct counter_entry *entry, uint64_t *ret_value,
			     struct tobi_fault *fault)
{
	bool there = false;
	size_t at = find(table, entry, &there);
	enum tobi_err err = there ? TOBI_OK : check_room(table, entry, fault);

	if (err)
		return err;
	if (!there) {
		for (size_t i = table->count; i > at; i--)
			table->entries[i] = table->entries[i - 1];
		table->entries[at] = *entry;
		table->count++;
	}
	if (table->entries[at].value == UINT64_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "counter", "value",
				 "it cannot go further");
	*ret_value = ++table->entries[at].value;
	return TOBI_OK;
}

enum tobi_err counters_increment(struct counters *counters,
				 const uint8_t owner[static COUNTER_OWNER_SIZE],
				 struct tobi_bytes name, uint64_t *ret_value,
				 struct tobi_fault *fault)
{
	struct counter_entry entry;
	uint64_t value = 0;
	enum tobi_err err = name_entry(owner, name, &entry, fault);

	if (!err)
		err = make_certain(counters, fault);
	if (!err)
		err = add_one(&counters->table, &entry, &value, fault);
	if (err)
		return err;
	err = commit(counters, fault);
	counters->doubtful = err != TOBI_OK;
	if (!err)
		*ret_value = value;
	return err;
}
