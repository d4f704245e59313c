#include "tests/unit/root/counters_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct platform platform;

const uint8_t first[COUNTER_OWNER_SIZE] = {1}, second[COUNTER_OWNER_SIZE] = {2};

static bool power_goes(void)
{
	return platform.off || !platform.steps_left--;
}

static enum tobi_err move_hardware(void *context, bool increment, uint64_t *ret_value,
				   struct tobi_fault *fault)
{
	bool goes = increment && power_goes();

	(void)context, (void)fault;
	if (platform.off || (goes && !platform.late)) {
		platform.off = true;
		return TOBI_E_SYSTEM;
	}
	platform.hardware += increment;
	platform.off = goes;
	*ret_value = platform.hardware;
	return goes ? TOBI_E_SYSTEM : TOBI_OK;
}

void path_of(char out[static 64])
{
	snprintf(out, 64, "%s/" COUNTERS_FILE, platform.folder);
}

struct block read_file(void)
{
	uint8_t bytes[COUNTERS_FILE_MAX + 1];
	char path[64];
	int fd;
	ssize_t size;

	path_of(path);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	size = read(fd, bytes, sizeof(bytes));
	assert_true(size > 0);
	close(fd);
	return block_new((struct tobi_bytes){bytes, (size_t)size});
}

void write_file(struct tobi_bytes bytes)
{
	char path[64];
	int fd;

	path_of(path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.ptr, bytes.size), bytes.size);
	assert_int_equal(ftruncate(fd, (off_t)bytes.size), 0);
	close(fd);
}

/* The files that were written last: what somebody who copies them has. */
struct block copies[COPIES];
size_t copy_count;

static void keep_copy(struct tobi_bytes bytes)
{
	struct block *copy = &copies[copy_count++ % COPIES];

	block_done(*copy);
	*copy = block_new(bytes);
}

static enum tobi_err write_or_fail(const char *path, struct tobi_bytes bytes,
				   struct tobi_fault *fault)
{
	bool goes = power_goes();

	(void)path, (void)fault;
	if (platform.off || (goes && !platform.late)) {
		platform.off = true;
		return TOBI_E_SYSTEM;
	}
	write_file(bytes);
	keep_copy(bytes);
	platform.off = goes;
	return goes ? TOBI_E_SYSTEM : TOBI_OK;
}

struct counters_setup setup_with(bool anchored)
{
	struct counters_setup setup = {.folder = platform.folder,
				       .key = {7},
				       .anchor = anchored ? move_hardware : NULL,
				       .write = write_or_fail};

	return setup;
}

int enter(void **state)
{
	(void)state;
	memset(&platform, 0, sizeof(platform));
	snprintf(platform.folder, sizeof(platform.folder),
		 "/tmp/tobichi-counters-XXXXXX");
	platform.hardware = 1000;
	platform.steps_left = FOR_EVER;
	return mkdtemp(platform.folder) ? 0 : -1;
}

int leave(void **state)
{
	char path[64];

	(void)state;
	path_of(path);
	unlink(path);
	strcat(path, ".lock");
	unlink(path);
	for (size_t i = 0; i < COPIES; i++)
		block_done(copies[i]);
	memset(copies, 0, sizeof(copies));
	copy_count = 0;
	return rmdir(platform.folder);
}

struct counters *must_open(bool anchored)
{
	struct counters_setup setup = setup_with(anchored);
	struct counters *counters = NULL;

	assert_int_equal(counters_open(&setup, &counters, NULL), TOBI_OK);
	assert_non_null(counters);
	return counters;
}

enum tobi_err try_open(bool anchored)
{
	struct counters_setup setup = setup_with(anchored);
	struct counters *counters = NULL;
	enum tobi_err err = counters_open(&setup, &counters, NULL);

	counters_free(counters);
	return err;
}

void must_create(void)
{
	struct counters_setup setup = setup_with(true);

	assert_int_equal(counters_create(&setup, NULL), TOBI_OK);
}

uint64_t get(struct counters *counters, const uint8_t *owner, const char *name)
{
	uint64_t value = 99;

	assert_int_equal(counters_read(counters, owner, text_bytes(name), &value, NULL),
			 TOBI_OK);
	return value;
}

uint64_t add(struct counters *counters, const uint8_t *owner, const char *name)
{
	uint64_t value = 99;

	assert_int_equal(
	    counters_increment(counters, owner, text_bytes(name), &value, NULL), TOBI_OK);
	return value;
}
