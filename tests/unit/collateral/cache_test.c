/* The cache with a source that is down: a port to which nobody listens. With one that
 * answers, and many processes: tests/e2e/collateral.sh. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "collateral/cache.h"
#include "collateral/cache_entry.h"
#include "tests/bytes.h"
#include "tests/vendor_scene.h"

enum { NOW = 1900000000, DAY = 24 * 3600 };

struct world {
	struct vendor_scene scene;
	char base[64], folder[96], entry[256], miss[256], lock[256];
	struct fetch_settings fetch;
	struct cache_settings cache;
	struct needs needs;
	struct tobi_collateral *set;
	struct cache_report report;
	struct tobi_fault fault;
};

static struct world world;

static enum tobi_err get(void)
{
	tobi_collateral_free(world.set);
	world.set = tobi_collateral_new();
	world.fault = (struct tobi_fault){0};
	return cache_get(&world.cache, &world.fetch, &world.needs.list[0], world.set,
			 &world.report, &world.fault);
}

/* The names that the cache gives, by the lock of a first try. */
static void learn_names(void)
{
	DIR *folder;
	const struct dirent *entry;

	assert_int_equal(get(), TOBI_E_SYSTEM);
	folder = opendir(world.folder);
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		char name[64];

		if (sscanf(entry->d_name, "%32[0-9a-f].lock", name) != 1)
			continue;
		snprintf(world.entry, sizeof(world.entry), "%s/%.32s.collateral",
			 world.folder, name);
		snprintf(world.miss, sizeof(world.miss), "%s/%.32s.miss", world.folder,
			 name);
		snprintf(world.lock, sizeof(world.lock), "%s/%.32s.lock", world.folder,
			 name);
	}
	closedir(folder);
	assert_int_equal(access(world.miss, F_OK), 0);
	assert_int_equal(unlink(world.miss), 0);
}

static int set_up(void **state)
{
	const struct http_settings http = {NULL, 2000, 1};

	(void)state;
	world = (struct world){.base = "/tmp/collateral-XXXXXX"};
	assert_non_null(mkdtemp(world.base));
	snprintf(world.folder, sizeof(world.folder), "%s/a/b", world.base);
	vendor_scene_make(&world.scene, NOW);
	if (http_client_new(&http, &world.fetch.client, &world.fault)) {
		print_message("skipped: %s\n", world.fault.message);
		return -1;
	}
	world.fetch.pcs = "http://127.0.0.1:1";
	world.fetch.rules =
	    (struct collateral_rules){world.scene.pins, world.scene.pins, NOW, 0};
	world.cache = (struct cache_settings){world.folder, DAY, 40};
	assert_int_equal(
	    needs_of_platform(VENDOR_FMSPC, "platform", false, &world.needs, NULL),
	    TOBI_OK);
	assert_int_equal(cache_open(world.folder, NULL), TOBI_OK);
	learn_names();
	return 0;
}

static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	char name[512];

	while (folder && (entry = readdir(folder))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		unlink(name);
	}
	if (folder)
		closedir(folder);
	rmdir(path);
}

static int tear_down(void **state)
{
	char parent[96];

	(void)state;
	tobi_collateral_free(world.set);
	http_client_free(world.fetch.client);
	vendor_scene_done(&world.scene);
	remove_folder(world.folder);
	snprintf(parent, sizeof(parent), "%s/a", world.base);
	remove_folder(parent);
	remove_folder(world.base);
	return 0;
}

static void put_entry(const struct writer *document, const struct writer *chain,
		      int64_t fetched)
{
	struct tobi_collateral *set = tobi_collateral_new(), *one = tobi_collateral_new();
	struct collateral_item item;

	assert_int_equal(tobi_collateral_add(set, wr_view(document), "f", NULL), TOBI_OK);
	item = *collateral_at(set, 0);
	item.chain = wr_view(chain);
	item.fetched = fetched;
	assert_int_equal(collateral_put(one, &item, NULL), TOBI_OK);
	assert_int_equal(entry_write(world.entry, one, fetched, NULL), TOBI_OK);
	tobi_collateral_free(set);
	tobi_collateral_free(one);
}

static void put_good(int64_t fetched)
{
	put_entry(&world.scene.sgx_tcb_info, &world.scene.tcb_chain, fetched);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void test_cache__kept__nobody_is_asked(void **state)
{
	(void)state;
	put_good(NOW - DAY + 1);
	assert_int_equal(get(), TOBI_OK);
	assert_int_equal(world.report.how, CACHE_KEPT);
	assert_int_equal(world.report.checked, COLLATERAL_CHECKED);
	assert_int_equal(collateral_count(world.set), 1);
	assert_false(is_there(world.miss));
}

static void test_cache__too_old_and_source_down__in_need(void **state)
{
	(void)state;
	put_good(NOW - DAY);
	assert_int_equal(get(), TOBI_OK);
	assert_int_equal(world.report.how, CACHE_IN_NEED);
	assert_int_equal(world.report.why.code, TOBI_E_SYSTEM);
	assert_int_equal(collateral_count(world.set), 1);
}

/* Of a process that began after this one, and was faster. */
static void test_cache__fetched_a_moment_later__is_kept(void **state)
{
	(void)state;
	put_good(NOW + 600);
	assert_int_equal(get(), TOBI_OK);
	assert_int_equal(world.report.how, CACHE_KEPT);
	put_good(NOW + 601);
	assert_int_equal(get(), TOBI_OK);
	assert_int_equal(world.report.how, CACHE_IN_NEED);
}

static void test_cache__expired__is_not_served(void **state)
{
	(void)state;
	put_good(NOW);
	world.fetch.rules.time = NOW + DAY;
	assert_int_equal(get(), TOBI_E_SYSTEM);
	assert_int_equal(collateral_count(world.set), 0);
	assert_false(world.report.dropped);
	assert_int_equal(unlink(world.miss), 0);
	world.fetch.rules.grace = 1;
	assert_int_equal(get(), TOBI_OK);
	assert_int_equal(world.report.how, CACHE_IN_NEED);
}

static void test_cache__empty__says_what_the_source_did(void **state)
{
	(void)state;
	assert_int_equal(get(), TOBI_E_SYSTEM);
	assert_non_null(strstr(world.fault.message, "cannot be reached"));
	assert_true(is_there(world.miss));
}

static void test_cache__a_moment_ago_missing__is_not_asked_again(void **state)
{
	struct tobi_fault why = {0}, found = {0};

	(void)state;
	fault_set(&why, TOBI_E_NOT_FOUND, "fetch", "", "as it was said");
	assert_int_equal(miss_write(world.miss, &why, NOW - 59, NULL), TOBI_OK);
	assert_int_equal(get(), TOBI_E_NOT_FOUND);
	assert_string_equal(world.fault.message, "as it was said");
	/* But not for long. */
	assert_int_equal(miss_write(world.miss, &why, NOW - 60, NULL), TOBI_OK);
	assert_int_equal(get(), TOBI_E_SYSTEM);
	/* What is down may be up sooner. */
	why.code = TOBI_E_SYSTEM;
	assert_int_equal(miss_write(world.miss, &why, NOW - 9, NULL), TOBI_OK);
	assert_true(miss_read(world.miss, NOW, &found));
	assert_false(miss_read(world.miss, NOW + 1, &found));
	assert_false(miss_read(world.miss, NOW - 10, &found));
}

static void test_cache__damaged_miss__does_not_count(void **state)
{
	struct tobi_fault found = {0};

	(void)state;
	assert_int_equal(file_write(world.miss, 0600, BYTES(0x84, 1, 0), "it", NULL), 0);
	assert_false(miss_read(world.miss, NOW, &found));
	assert_int_equal(
	    file_write(world.miss, 0600, BYTES(0x84, 1, 0, 0, 0x40), "it", NULL), 0);
	assert_false(miss_read(world.miss, 0, &found));
}

static void is_dropped(void)
{
	assert_int_equal(get(), TOBI_E_SYSTEM);
	assert_true(world.report.dropped);
	assert_int_equal(collateral_count(world.set), 0);
	assert_false(is_there(world.entry));
	unlink(world.miss);
}

static void test_cache__damaged__is_thrown_out(void **state)
{
	struct writer bytes = wr_init(64 << 10);

	(void)state;
	put_good(NOW);
	assert_int_equal(file_read(world.entry, 64 << 10, "it", &bytes, NULL), TOBI_OK);
	for (size_t at = 0; at < bytes.size; at += 1 + bytes.size / 7) {
		bytes.ptr[at] ^= 1;
		assert_int_equal(
		    file_write(world.entry, 0600, wr_view(&bytes), "it", NULL), 0);
		bytes.ptr[at] ^= 1;
		is_dropped();
	}
	for (size_t size = 0; size < bytes.size; size += 1 + bytes.size / 5) {
		assert_int_equal(file_write(world.entry, 0600,
					    (struct tobi_bytes){bytes.ptr, size}, "it",
					    NULL),
				 0);
		is_dropped();
	}
	wr_done(&bytes);
}

static void test_cache__of_another_platform__is_thrown_out(void **state)
{
	struct writer other = wr_init(8192);

	(void)state;
	vendor_tcb_info("SGX", "FFFFFFFFFFFF", NOW - 1, NOW + 1, world.scene.tcb.key,
			&other);
	put_entry(&other, &world.scene.tcb_chain, NOW);
	is_dropped();
	put_entry(&world.scene.sgx_identity, &world.scene.tcb_chain, NOW);
	is_dropped();
	wr_done(&other);
}

static void test_cache__under_another_root__is_thrown_out(void **state)
{
	struct vendor_scene stranger;

	(void)state;
	vendor_scene_make(&stranger, NOW);
	put_entry(&stranger.sgx_tcb_info, &stranger.tcb_chain, NOW);
	is_dropped();
	put_entry(&stranger.sgx_tcb_info, &world.scene.tcb_chain, NOW);
	is_dropped();
	vendor_scene_done(&stranger);
}

static void test_cache__another_fetches_for_too_long__ends(void **state)
{
	int fd = open(world.lock, O_RDWR | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(get(), TOBI_E_TIMEOUT);
	put_good(NOW - DAY);
	assert_int_equal(get(), TOBI_OK);
	assert_int_equal(world.report.how, CACHE_IN_NEED);
	assert_int_equal(world.report.why.code, TOBI_E_TIMEOUT);
	assert_false(is_there(world.miss));
	close(fd);
}

static void test_cache_open__folders_of_others__are_refused(void **state)
{
	char link[96];
	struct stat st;

	(void)state;
	assert_int_equal(stat(world.folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(chmod(world.folder, 0720), 0);
	assert_int_equal(cache_open(world.folder, NULL), TOBI_E_DENIED);
	assert_int_equal(chmod(world.folder, 0702), 0);
	assert_int_equal(cache_open(world.folder, NULL), TOBI_E_DENIED);
	assert_int_equal(chmod(world.folder, 0755), 0);
	assert_int_equal(cache_open(world.folder, NULL), TOBI_OK);
	snprintf(link, sizeof(link), "%s/link", world.base);
	assert_int_equal(symlink(world.folder, link), 0);
	assert_int_equal(cache_open(link, NULL), TOBI_E_DENIED);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(cache_open("/proc/no/folder", NULL), TOBI_E_SYSTEM);
}

static void test_cache_read_all__leaves_out_what_is_damaged(void **state)
{
	struct tobi_collateral *set = tobi_collateral_new();
	char other[512];
	size_t damaged = 7;

	(void)state;
	put_good(NOW);
	snprintf(other, sizeof(other), "%s/x.collateral", world.folder);
	assert_int_equal(file_write(other, 0600, BYTES(1, 2, 3), "it", NULL), TOBI_OK);
	assert_int_equal(cache_read_all(world.folder, set, &damaged, NULL), TOBI_OK);
	assert_int_equal(damaged, 1);
	assert_non_null(collateral_find(set, COLLATERAL_SGX_TCB_INFO, VENDOR_FMSPC));
	assert_true(is_there(other));
	assert_int_equal(unlink(other), 0);
	snprintf(other, sizeof(other), "%s/none", world.folder);
	assert_int_equal(cache_read_all(other, set, &damaged, NULL), TOBI_E_NOT_FOUND);
	tobi_collateral_free(set);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_cache__kept__nobody_is_asked),
	    TEST(test_cache__too_old_and_source_down__in_need),
	    TEST(test_cache__fetched_a_moment_later__is_kept),
	    TEST(test_cache__expired__is_not_served),
	    TEST(test_cache__empty__says_what_the_source_did),
	    TEST(test_cache__a_moment_ago_missing__is_not_asked_again),
	    TEST(test_cache__damaged_miss__does_not_count),
	    TEST(test_cache__damaged__is_thrown_out),
	    TEST(test_cache__of_another_platform__is_thrown_out),
	    TEST(test_cache__under_another_root__is_thrown_out),
	    TEST(test_cache__another_fetches_for_too_long__ends),
	    TEST(test_cache_open__folders_of_others__are_refused),
	    TEST(test_cache_read_all__leaves_out_what_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
