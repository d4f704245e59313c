/* Layers over layers, and layers that want out. */
#include "oci_sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(oci_inside(path), &st), 0);
	return st.st_mode & 07777;
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(oci_inside(path), &st), 0);
	return st.st_ino;
}

/* Two layers: a and d/x below, and what the test adds. */
static void below(void)
{
	tar_file(&scene.tar, "a", "lower a");
	tar_folder(&scene.tar, "d/");
	tar_file(&scene.tar, "d/x", "lower x");
	tar_folder(&scene.tar, "d/e");
	tar_file(&scene.tar, "d/e/y", "lower y");
	oci_apply_well();
}

static void test_apply_tree__kinds_and_modes(void **state)
{
	(void)state;
	tar_add(&scene.tar, &(struct tar_entry){"f", '0', "", "f", 0, 0600});
	tar_add(&scene.tar, &(struct tar_entry){"p", '0', "", "p", 0, 0711});
	tar_add(&scene.tar, &(struct tar_entry){"./t/", '5', "", NULL, 0, 01777});
	tar_add(&scene.tar, &(struct tar_entry){"/deep/er/f", '0', "", "abs", 0, 0640});
	tar_add(&scene.tar, &(struct tar_entry){"k/", '5', "", NULL, 0, 0700});
	tar_link(&scene.tar, "l", "../../outside");
	oci_apply_well();
	assert_true(oci_is_file("/f", "f"));
	assert_int_equal(mode_of("/f"), 0644);
	assert_int_equal(mode_of("/p"), 0755);
	assert_int_equal(mode_of("/t"), 01777);
	assert_int_equal(mode_of("/k"), 0755);
	assert_true(oci_is_file("/deep/er/f", "abs"));
	assert_true(oci_is_link("/l", "../../outside"));
	assert_int_equal(scene.tree.set_id.count, 0);
}

static void test_apply_whiteout__hides_lower_files_only(void **state)
{
	(void)state;
	below();
	tar_file(&scene.tar, ".wh.a", "");
	tar_file(&scene.tar, "d/.wh.e", "");
	tar_file(&scene.tar, "d/.wh.never", "");
	tar_file(&scene.tar, "no/folder/.wh.here", "");
	oci_apply_well();
	assert_true(oci_is_nothing("/a"));
	assert_true(oci_is_nothing("/d/e"));
	assert_true(oci_is_file("/d/x", "lower x"));
	assert_true(oci_is_nothing("/no"));
	assert_true(oci_is_nothing("/.wh.a"));
}

/* In whatever order they come: a whiteout is about the layers below. */
static void test_apply_whiteout_and_file_of_one_layer__file_stays(void **state)
{
	(void)state;
	below();
	tar_file(&scene.tar, "a", "upper a");
	tar_file(&scene.tar, ".wh.a", "");
	tar_file(&scene.tar, ".wh.d", "");
	tar_file(&scene.tar, "d/new", "upper new");
	oci_apply_well();
	assert_true(oci_is_file("/a", "upper a"));
	assert_true(oci_is_file("/d/new", "upper new"));
	assert_true(oci_is_nothing("/d/x"));
}

static void test_apply_opaque__hides_all_below_it(void **state)
{
	(void)state;
	below();
	tar_file(&scene.tar, "d/new", "upper new");
	tar_file(&scene.tar, "d/.wh..wh..opq", "");
	tar_file(&scene.tar, "a/.wh..wh..opq", ""); /* of a file: nothing */
	oci_apply_well();
	assert_true(oci_is_file("/d/new", "upper new"));
	assert_true(oci_is_nothing("/d/x"));
	assert_true(oci_is_nothing("/d/e"));
	assert_true(oci_is_nothing("/d/.wh..wh..opq"));
	assert_true(oci_is_file("/a", "lower a"));
}

static void test_apply_opaque_root__hides_everything(void **state)
{
	(void)state;
	below();
	tar_file(&scene.tar, ".wh..wh..opq", "");
	tar_file(&scene.tar, "only", "this");
	oci_apply_well();
	assert_true(oci_is_nothing("/a"));
	assert_true(oci_is_nothing("/d"));
	assert_true(oci_is_file("/only", "this"));
	assert_int_equal(scene.stage.entries, 1);
	assert_int_equal(scene.stage.bytes, 4);
}

static void test_apply_aufs_marks__left_out(void **state)
{
	(void)state;
	tar_folder(&scene.tar, ".wh..wh.plnk/");
	tar_file(&scene.tar, ".wh..wh.plnk/1.2", "x");
	tar_file(&scene.tar, ".wh..wh.aufs", "x");
	tar_file(&scene.tar, "f", "f");
	oci_apply_well();
	assert_true(oci_is_nothing("/.wh..wh.plnk"));
	assert_true(oci_is_nothing("/.wh..wh.aufs"));
	assert_true(oci_is_file("/f", "f"));
}

static void refuse(enum tobi_err expected, const char *said)
{
	struct tobi_fault fault = {0};

	if (oci_apply(&fault) != expected)
		fail_msg("%d: %s", fault.code, fault.message);
	if (!strstr(fault.message, said))
		fail_msg("'%s' is not in '%s'", said, fault.message);
	assert_string_equal(fault.object, "layer 0");
}

static void test_apply_wrong_whiteouts__refused(void **state)
{
	static const char *const names[] = {".wh.", ".wh..", ".wh...", "d/.wh...",
					    ".wh.d/x"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		tar_file(&scene.tar, names[i], "");
		refuse(TOBI_E_MALFORMED, "whiteout");
	}
}

static void test_apply_names_that_lead_out__refused(void **state)
{
	static const char *const names[] = {"../x", "a/../../x", "/../x", "..", "a/.."};
	struct tobi_fault fault = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		tar_file(&scene.tar, "first", "1");
		tar_file(&scene.tar, names[i], "x");
		assert_int_equal(oci_apply(&fault), TOBI_E_DENIED);
		assert_string_equal(fault.field, "entry 1");
		assert_true(fault.has_offset && fault.offset == 1024);
		tar_hard(&scene.tar, "h", names[i]);
		refuse(TOBI_E_DENIED, "leads out");
	}
	assert_true(oci_is_nothing("/../x"));
	assert_true(oci_is_nothing("/x"));
}

/* A link of an earlier layer, or of the same, to a folder of the host. */
static void test_apply_through_links__stays_inside(void **state)
{
	char target[256];

	(void)state;
	snprintf(target, sizeof(target), "%s/victim", scene.outside);
	assert_int_equal(mkdir(target, 0755), 0);
	tar_link(&scene.tar, "abs", scene.outside);
	tar_link(&scene.tar, "up", "../../../../../../../../../../tmp");
	tar_link(&scene.tar, "self", "/proc/self/root");
	oci_apply_well();
	/* Where the link leads, there is nothing inside. */
	tar_file(&scene.tar, "abs/file", "x");
	refuse(TOBI_E_EXISTS, "link to nowhere");
	/* Once there is, that is where it goes. */
	tar_folder(&scene.tar, scene.outside);
	tar_file(&scene.tar, "abs/file", "x");
	tar_folder(&scene.tar, "abs/victim");
	tar_file(&scene.tar, "abs/victim/.wh.a", "");
	tar_file(&scene.tar, "abs/.wh.victim", "");
	tar_file(&scene.tar, "up/escaped", "x");
	oci_apply_well();
	assert_int_equal(access(target, F_OK), 0);
	snprintf(target, sizeof(target), "%s/file", scene.outside);
	assert_int_equal(access(target, F_OK), -1);
	assert_true(oci_is_file(target, "x"));
	assert_int_equal(access("/tmp/escaped", F_OK), -1);
	assert_true(oci_is_file("/tmp/escaped", "x"));
	/* Nor is the host removed or linked through it. */
	tar_file(&scene.tar, "abs/.wh..wh..opq", "");
	tar_file(&scene.tar, ".wh.abs", "");
	oci_apply_well();
	snprintf(target, sizeof(target), "%s/victim", scene.outside);
	assert_int_equal(access(target, F_OK), 0);
	tar_hard(&scene.tar, "h", "self/etc/passwd");
	refuse(TOBI_E_NOT_FOUND, "not there");
	tar_file(&scene.tar, "self/etc/evil", "x");
	refuse(TOBI_E_EXISTS, "link to nowhere");
}

static void test_apply_whiteout_of_a_link__removes_the_link(void **state)
{
	(void)state;
	below();
	tar_link(&scene.tar, "l", "d");
	oci_apply_well();
	tar_file(&scene.tar, ".wh.l", "");
	oci_apply_well();
	assert_true(oci_is_nothing("/l"));
	assert_true(oci_is_file("/d/x", "lower x"));
}

/* A folder in the place of a link is a new folder; what the link led to stays. */
static void test_apply_folder_over_link__replaces_it(void **state)
{
	(void)state;
	below();
	tar_link(&scene.tar, "l", "d");
	oci_apply_well();
	tar_folder(&scene.tar, "l/");
	tar_file(&scene.tar, "l/.wh.x", "");
	tar_file(&scene.tar, "l/z", "z");
	oci_apply_well();
	assert_true(oci_is_folder("/l"));
	assert_true(oci_is_file("/l/z", "z"));
	assert_true(oci_is_file("/d/x", "lower x"));
	assert_true(oci_is_nothing("/d/z"));
}

static void test_apply_changes_of_kind__replace(void **state)
{
	(void)state;
	below();
	tar_file(&scene.tar, "d", "a file now");
	tar_folder(&scene.tar, "a/");
	tar_file(&scene.tar, "a/in", "in");
	oci_apply_well();
	assert_true(oci_is_file("/d", "a file now"));
	assert_true(oci_is_file("/a/in", "in"));
	tar_link(&scene.tar, "d", "a");
	tar_link(&scene.tar, "a", "b");
	oci_apply_well();
	assert_true(oci_is_link("/d", "a"));
	assert_true(oci_is_link("/a", "b"));
	assert_int_equal(scene.stage.bytes, 0);
	tar_file(&scene.tar, "a", "not b");
	oci_apply_well();
	assert_true(oci_is_file("/a", "not b"));
	assert_true(oci_is_nothing("/b"));
}

static void test_apply_folder_twice__keeps_content_takes_mode(void **state)
{
	(void)state;
	below();
	tar_add(&scene.tar, &(struct tar_entry){"d", '5', "", NULL, 0, 01777});
	oci_apply_well();
	assert_int_equal(mode_of("/d"), 01777);
	assert_true(oci_is_file("/d/x", "lower x"));
	tar_add(&scene.tar, &(struct tar_entry){"d", '5', "", NULL, 0, 0755});
	oci_apply_well();
	assert_int_equal(mode_of("/d"), 0755);
}

static void test_apply_duplicates__last_one_counts(void **state)
{
	(void)state;
	tar_file(&scene.tar, "f", "one");
	tar_file(&scene.tar, "./f", "two");
	tar_file(&scene.tar, "//f", "three");
	oci_apply_well();
	assert_true(oci_is_file("/f", "three"));
	assert_int_equal(scene.stage.entries, 1);
	assert_int_equal(scene.stage.bytes, 5);
}

static void test_apply_hard_links__share_and_part(void **state)
{
	(void)state;
	tar_file(&scene.tar, "f", "one");
	tar_hard(&scene.tar, "g", "f");
	tar_link(&scene.tar, "l", "f");
	tar_hard(&scene.tar, "m", "./l");
	oci_apply_well();
	assert_int_equal(inode_of("/f"), inode_of("/g"));
	assert_true(oci_is_link("/m", "f"));
	/* over layers, over a file, to itself */
	tar_file(&scene.tar, "other", "other");
	tar_hard(&scene.tar, "other", "/g");
	tar_hard(&scene.tar, "g", "g");
	oci_apply_well();
	assert_int_equal(inode_of("/other"), inode_of("/f"));
	assert_int_equal(scene.stage.bytes, 3);
	/* A file over one of them is not a file over all. */
	tar_file(&scene.tar, "g", "new");
	tar_file(&scene.tar, ".wh.f", "");
	oci_apply_well();
	assert_true(oci_is_file("/g", "new"));
	assert_true(oci_is_file("/other", "one"));
	assert_true(oci_is_nothing("/f"));
}

static void test_apply_hard_link_over_a_folder__replaces_it(void **state)
{
	(void)state;
	below();
	tar_hard(&scene.tar, "d", "a");
	oci_apply_well();
	assert_true(oci_is_file("/d", "lower a"));
}

static void test_apply_wrong_hard_links__refused(void **state)
{
	(void)state;
	below();
	tar_hard(&scene.tar, "h", "nothing");
	refuse(TOBI_E_NOT_FOUND, "not there");
	tar_hard(&scene.tar, "h", "d");
	refuse(TOBI_E_MALFORMED, "folder");
	/* Hidden by the same layer, it is a thing of the past. */
	tar_file(&scene.tar, ".wh.a", "");
	tar_hard(&scene.tar, "h", "a");
	refuse(TOBI_E_NOT_FOUND, "not there");
}

static void test_apply_special_files__left_out(void **state)
{
	(void)state;
	below();
	tar_add(&scene.tar, &(struct tar_entry){"dev/null", '3', "", NULL, 0, 0666});
	tar_add(&scene.tar, &(struct tar_entry){"dev/disk", '4', "", NULL, 0, 0666});
	tar_add(&scene.tar, &(struct tar_entry){"pipe", '6', "", NULL, 0, 0666});
	tar_add(&scene.tar, &(struct tar_entry){"a", '6', "", NULL, 0, 0666});
	oci_apply_well();
	assert_true(oci_is_nothing("/dev/null"));
	assert_true(oci_is_nothing("/dev/disk"));
	assert_true(oci_is_nothing("/pipe"));
	assert_true(oci_is_nothing("/a")); /* hidden by what is left out */
	assert_int_equal(scene.tree.special.count, 4);
	assert_string_equal(scene.tree.special.first, "/dev/null");
}

static void test_apply_rights__dropped_and_counted(void **state)
{
	(void)state;
	tar_add(&scene.tar, &(struct tar_entry){"su", '0', "", "x", 0, 04755});
	tar_add(&scene.tar, &(struct tar_entry){"sg", '0', "", "x", 0, 02755});
	tar_add(&scene.tar, &(struct tar_entry){"mail/", '5', "", NULL, 0, 02775});
	tar_pax(&scene.tar, "SCHILY.xattr.security.capability",
		(struct tobi_bytes){(const uint8_t *)"\1\0\0\2", 4});
	tar_file(&scene.tar, "ping", "x");
	tar_pax(&scene.tar, "SCHILY.xattr.user.note", text("hello"));
	tar_file(&scene.tar, "noted", "x");
	oci_apply_well();
	assert_int_equal(mode_of("/su"), 0755);
	assert_int_equal(mode_of("/sg"), 0755);
	assert_int_equal(mode_of("/mail"), 0755);
	assert_int_equal(scene.tree.set_id.count, 2);
	assert_string_equal(scene.tree.set_id.first, "/su");
	assert_int_equal(scene.tree.capabilities.count, 1);
	assert_string_equal(scene.tree.capabilities.first, "/ping");
	assert_int_equal(scene.tree.attributes.count, 1);
}

static void test_apply_long_and_odd_names__kept_as_bytes(void **state)
{
	char name[256];

	(void)state;
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i + 1 < sizeof(name) ? 'n' : 0;
	tar_pax(&scene.tar, "path", text(name));
	tar_file(&scene.tar, "short", "pax");
	tar_pax(&scene.tar, "path", text("cafe\xcc\x81")); /* not normalised */
	tar_file(&scene.tar, "short", "nfd");
	tar_pax(&scene.tar, "path", text("caf\xc3\xa9"));
	tar_file(&scene.tar, "short", "nfc");
	tar_file(&scene.tar, "bad\xff\xfe", "bytes");
	/* GNU: the name is the content of an entry before it */
	tar_add(&scene.tar, &(struct tar_entry){"././@LongLink", 'L', "", "gnu/long"});
	tar_file(&scene.tar, "short", "gnu");
	oci_apply_well();
	assert_true(oci_is_file(name, "pax"));
	assert_true(oci_is_file("/cafe\xcc\x81", "nfd"));
	assert_true(oci_is_file("/caf\xc3\xa9", "nfc"));
	assert_true(oci_is_file("/bad\xff\xfe", "bytes"));
	assert_true(oci_is_file("/gnu/long", "gnu"));
	assert_true(oci_is_nothing("/short"));
}

/* size bytes of "n/n/n...". */
static char *long_path(size_t size)
{
	char *path = malloc(size + 1);

	assert_non_null(path);
	for (size_t i = 0; i < size; i++)
		path[i] = i % 2 ? '/' : 'n';
	path[size] = 0;
	return path;
}

static void test_apply_long_paths__limit_and_one_beyond(void **state)
{
	/* With the slash before it, LIMIT_PATH. */
	char *path = long_path(LIMIT_PATH - 1);

	(void)state;
	tar_pax(&scene.tar, "path", text(path));
	tar_file(&scene.tar, "short", "x");
	oci_apply_well();
	assert_int_equal(stage_kind(&scene.stage, "/n/n"), S_IFDIR);
	free(path);
	path = long_path(LIMIT_PATH + 1);
	tar_pax(&scene.tar, "path", text(path));
	tar_file(&scene.tar, "short", "x");
	refuse(TOBI_E_LIMIT, "1024 bytes");
	free(path);
}

/* Short names, but each link leads deeper. */
static void test_apply_depth_by_links__bounded(void **state)
{
	char *path = long_path(901), name[32], target[1024];
	struct tobi_fault fault = {0};
	enum tobi_err err = TOBI_OK;
	int i;

	(void)state;
	for (i = 0; i < 8 && !err; i++) {
		snprintf(name, sizeof(name), "%s%d", i ? "l" : "", i);
		snprintf(target, sizeof(target), "%s%s%s", i ? name : "", i ? "/" : "",
			 path);
		tar_pax(&scene.tar, "path", text(target));
		tar_folder(&scene.tar, "x");
		/* l1 leads to what was made now */
		snprintf(name, sizeof(name), "l%d", i + 1);
		tar_pax(&scene.tar, "linkpath", text(target));
		tar_link(&scene.tar, name, "x");
		err = oci_apply(&fault);
	}
	assert_int_equal(err, TOBI_E_LIMIT);
	assert_non_null(strstr(fault.message, "3072"));
	assert_int_equal(i, 4); /* of 900 bytes each */
	free(path);
}

static void test_apply_sizes__over_the_limit(void **state)
{
	(void)state;
	scene.stage.max_bytes = 10;
	tar_file(&scene.tar, "a", "12345");
	tar_file(&scene.tar, "b", "12345");
	oci_apply_well();
	/* A replaced file makes room. */
	tar_file(&scene.tar, "b", "54321");
	oci_apply_well();
	tar_file(&scene.tar, "c", "1");
	refuse(TOBI_E_LIMIT, "GiB");
	scene.stage.max_entries = 3;
	tar_link(&scene.tar, "l", "a");
	oci_apply_well();
	tar_link(&scene.tar, "m", "a");
	refuse(TOBI_E_LIMIT, "3 files");
	tar_folder(&scene.tar, "m");
	refuse(TOBI_E_LIMIT, "3 files");
	tar_hard(&scene.tar, "m", "a");
	refuse(TOBI_E_LIMIT, "3 files");
}

/* GNU sparse 0.1: "offset,size" pairs of what is there. */
static void add_sparse(const char *name, const char *size, const char *map,
		       const char *content)
{
	const struct tar_record records[] = {{"GNU.sparse.size", text(size)},
					     {"GNU.sparse.map", text(map)}};

	tar_pax_list(&scene.tar, records, 2);
	tar_file(&scene.tar, name, content);
}

static void test_apply_sparse__holes_stay_holes(void **state)
{
	struct stat st;

	(void)state;
	add_sparse("s", "1073741824", "1048576,4", "data");
	oci_apply_well();
	assert_int_equal(lstat(oci_inside("/s"), &st), 0);
	assert_int_equal(st.st_size, 1073741824);
	assert_true(st.st_blocks < 1024);
	assert_int_equal(scene.stage.bytes, 1073741824);
}

static void test_apply_huge__refused_before_it_is_written(void **state)
{
	(void)state;
	add_sparse("s", "1099511627776", "0,4", "data");
	refuse(TOBI_E_LIMIT, "16 GiB");
	assert_true(oci_is_nothing("/s"));
	/* Announced, but not there. */
	tar_add(&scene.tar, &(struct tar_entry){"h", '0', "", NULL, UINT64_C(1) << 40});
	refuse(TOBI_E_MALFORMED, "");
	assert_true(oci_is_nothing("/h"));
}

static void test_apply_sparse_map_beyond_its_size__refused(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	add_sparse("s", "100", "4096,4", "data");
	assert_int_not_equal(oci_apply(&fault), TOBI_OK);
	add_sparse("s", "100", "99,4", "data");
	assert_int_not_equal(oci_apply(&fault), TOBI_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    OCI_TEST(test_apply_tree__kinds_and_modes),
	    OCI_TEST(test_apply_whiteout__hides_lower_files_only),
	    OCI_TEST(test_apply_whiteout_and_file_of_one_layer__file_stays),
	    OCI_TEST(test_apply_opaque__hides_all_below_it),
	    OCI_TEST(test_apply_opaque_root__hides_everything),
	    OCI_TEST(test_apply_aufs_marks__left_out),
	    OCI_TEST(test_apply_wrong_whiteouts__refused),
	    OCI_TEST(test_apply_names_that_lead_out__refused),
	    OCI_TEST(test_apply_through_links__stays_inside),
	    OCI_TEST(test_apply_whiteout_of_a_link__removes_the_link),
	    OCI_TEST(test_apply_folder_over_link__replaces_it),
	    OCI_TEST(test_apply_changes_of_kind__replace),
	    OCI_TEST(test_apply_folder_twice__keeps_content_takes_mode),
	    OCI_TEST(test_apply_duplicates__last_one_counts),
	    OCI_TEST(test_apply_hard_links__share_and_part),
	    OCI_TEST(test_apply_hard_link_over_a_folder__replaces_it),
	    OCI_TEST(test_apply_wrong_hard_links__refused),
	    OCI_TEST(test_apply_special_files__left_out),
	    OCI_TEST(test_apply_rights__dropped_and_counted),
	    OCI_TEST(test_apply_long_and_odd_names__kept_as_bytes),
	    OCI_TEST(test_apply_long_paths__limit_and_one_beyond),
	    OCI_TEST(test_apply_depth_by_links__bounded),
	    OCI_TEST(test_apply_sizes__over_the_limit),
	    OCI_TEST(test_apply_sparse__holes_stay_holes),
	    OCI_TEST(test_apply_huge__refused_before_it_is_written),
	    OCI_TEST(test_apply_sparse_map_beyond_its_size__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
