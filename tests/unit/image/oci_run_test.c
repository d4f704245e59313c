/* From a configuration to a manifest, over a whole image. */
#include "oci_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "image/oci_tools.h"
#include "image/pack_tools.h"

static struct oci *oci;
static struct pack *pack;
static struct manifest *manifest;
static struct oci_given given;

static int setup(void **state)
{
	oci_scene_setup(state);
	oci = NULL;
	pack = NULL;
	given = (struct oci_given){0};
	manifest = calloc(1, sizeof(*manifest));
	assert_non_null(manifest);
	manifest->uid = manifest->gid = 1000;
	manifest->limits.writable = 64 << 20;
	manifest->directory = text("/home");
	tar_add(&scene.tar,
		&(struct tar_entry){"usr/bin/tool", '0', "", "#!/usr/bin/tool", 0, 0755});
	tar_file(&scene.tar, "usr/bin/text", "not executable");
	tar_add(&scene.tar, &(struct tar_entry){"app/start", '0', "", "x", 0, 0755});
	tar_file(&scene.tar, "var/lib/big", "1234");
	tar_file(&scene.tar, "etc/passwd",
		 "root:x:0:0::/root:/bin/sh\nwww:x:33:44::/srv/www:/bin/sh\n"
		 "far:x:70000:70000::/far:/bin/sh\nbad:x:y:z::/:/bin/sh\n");
	tar_file(&scene.tar, "etc/group", "root:x:0:\nstaff:x:50:a,b\n");
	return 0;
}

static int teardown(void **state)
{
	oci_free(oci);
	pack_free(pack);
	free(manifest);
	return oci_scene_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* run: in single quotes. */
static enum tobi_err configure(const char *run, struct tobi_fault *fault)
{
	struct oci_request request = {
	    .path = scene.folder, .architecture = "x86_64", .temporary = "/tmp"};
	char *quoted = strdup(run);
	enum tobi_err err;

	assert_non_null(quoted);
	for (char *at = quoted; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	oci_put_layout(quoted);
	free(quoted);
	err = oci_open(&request, &oci, fault);
	if (!err)
		err = oci_set_program(oci, &given, manifest, fault);
	if (!err)
		err = pack_new("/tmp", NULL, &pack, fault);
	if (!err)
		err = oci_unpack(oci, pack, fault);
	return err ? err : oci_configure(oci, &given, pack, manifest, fault);
}

static void configure_well(const char *run)
{
	struct tobi_fault fault = {0};

	if (configure(run, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
}

static void refuse(const char *run, enum tobi_err expected, const char *said)
{
	struct tobi_fault fault = {0};
	enum tobi_err err = configure(run, &fault);

	if (err != expected || !strstr(fault.message, said))
		fail_msg("%d %s: %s", err, fault.field, fault.message);
}

static bool has_note(const char *said)
{
	const char *const *notes = NULL;
	size_t count = oci_notes(oci, &notes);

	for (size_t i = 0; i < count; i++) {
		if (strstr(notes[i], said))
			return true;
	}
	return false;
}

static const char *variable(const char *name)
{
	static char out[LIMIT_ARGUMENT + 1];

	for (size_t i = 0; i < manifest->environment_count; i++) {
		if (!bytes_equal_text(manifest->environment[i].name, name))
			continue;
		snprintf(out, sizeof(out), "%.*s",
			 (int)manifest->environment[i].value.size,
			 (const char *)manifest->environment[i].value.ptr);
		return out;
	}
	return "";
}

static bool is_writable(const char *path)
{
	for (size_t i = 0; i < manifest->writable_count; i++) {
		if (bytes_equal_text(manifest->writable[i], path))
			return true;
	}
	return false;
}

static void test_run_program__entry_point_and_command(void **state)
{
	(void)state;
	configure_well("{'Entrypoint':['tool','a'],'Cmd':['b','c']}");
	assert_int_equal(manifest->argument_count, 4);
	assert_true(bytes_equal_text(manifest->arguments[0], "/usr/bin/tool"));
	assert_true(bytes_equal_text(manifest->arguments[3], "c"));
}

static void test_run_program__command_of_the_user(void **state)
{
	(void)state;
	manifest->arguments[manifest->argument_count++] = text("mine");
	configure_well("{'Entrypoint':['tool','a'],'Cmd':['b','c']}");
	assert_int_equal(manifest->argument_count, 3);
	assert_true(bytes_equal_text(manifest->arguments[1], "a"));
	assert_true(bytes_equal_text(manifest->arguments[2], "mine"));
}

static void test_run_program__entry_point_of_the_user(void **state)
{
	(void)state;
	given.entrypoint = "start";
	given.directory = true;
	manifest->directory = text("/app");
	manifest->environment[manifest->environment_count++] =
	    (struct text_pair){text("PATH"), text("relative::/nowhere:/app/")};
	configure_well(
	    "{'Entrypoint':['tool','a'],'Cmd':['b','c'],'WorkingDir':'/other'}");
	assert_int_equal(manifest->argument_count, 1);
	assert_true(bytes_equal_text(manifest->arguments[0], "/app/start"));
	assert_true(bytes_equal_text(manifest->directory, "/app"));
}

static void test_run_program__relative_to_the_folder(void **state)
{
	(void)state;
	configure_well("{'Cmd':['./start'],'WorkingDir':'/app/'}");
	assert_true(bytes_equal_text(manifest->arguments[0], "/app/start"));
	assert_true(bytes_equal_text(manifest->directory, "/app"));
}

static void test_run_without_program__refused(void **state)
{
	(void)state;
	refuse("{}", TOBI_E_ARGUMENT, "after --");
}

static void test_run_with_empty_program__refused(void **state)
{
	(void)state;
	refuse("{'Cmd':['']}", TOBI_E_ARGUMENT, "after --");
}

static void test_run_program_that_is_not_there__refused(void **state)
{
	(void)state;
	refuse("{'Cmd':['text'],'Env':['PATH=/usr/bin']}", TOBI_E_NOT_FOUND, "/usr/bin");
}

static void test_run_program_that_leads_out__refused(void **state)
{
	(void)state;
	refuse("{'Cmd':['/usr/../../bin/sh']}", TOBI_E_DENIED, "leads out");
}

static void test_run_directory_that_leads_out__refused(void **state)
{
	(void)state;
	refuse("{'Cmd':['tool'],'WorkingDir':'/a/../..'}", TOBI_E_DENIED, "leads out");
}

static void test_run_environment__image_below_user(void **state)
{
	(void)state;
	manifest->environment[manifest->environment_count++] =
	    (struct text_pair){text("A"), text("mine")};
	configure_well(
	    "{'Cmd':['tool'],'Env':['A=image','B=1','B=2','C','D=','x.y=1','E=a=b']}");
	assert_string_equal(variable("A"), "mine");
	assert_string_equal(variable("B"), "2");
	assert_string_equal(variable("E"), "a=b");
	assert_string_equal(variable("HOME"), "/root");
	assert_non_null(strstr(variable("PATH"), "/usr/local/bin"));
	assert_int_equal(manifest->environment_count, 7);
	assert_true(has_note("'x.y'"));
}

static void check_user(const char *user, uint32_t uid, uint32_t gid, const char *home)
{
	char run[128];

	snprintf(run, sizeof(run), "{'Cmd':['tool'],'User':'%s'}", user);
	configure_well(run);
	assert_int_equal(manifest->uid, uid);
	assert_int_equal(manifest->gid, gid);
	assert_string_equal(variable("HOME"), home);
}

static void test_run_user__name(void **state)
{
	(void)state;
	check_user("www", 33, 44, "/srv/www");
	assert_false(has_note("user"));
}

static void test_run_user__name_and_group(void **state)
{
	(void)state;
	check_user("www:staff", 33, 50, "/srv/www");
}

static void test_run_user__numbers_of_nobody(void **state)
{
	(void)state;
	check_user("1234:5678", 1234, 5678, "/");
}

/* Its group would be 0. */
static void test_run_user__number_without_group(void **state)
{
	(void)state;
	check_user("1234", 1234, 1234, "/");
}

static void test_run_user__root_becomes_another(void **state)
{
	(void)state;
	check_user("root", 1000, 1000, "/root");
	assert_true(has_note("root"));
}

static void test_run_user__none_is_root(void **state)
{
	(void)state;
	check_user("", 1000, 1000, "/root");
	assert_true(has_note("--user"));
}

static void test_run_user__too_large_becomes_another(void **state)
{
	(void)state;
	check_user("far", 1000, 1000, "/far");
	assert_true(has_note("70000"));
}

static void test_run_user__of_the_command_line(void **state)
{
	(void)state;
	given.user = true;
	manifest->uid = 33;
	manifest->gid = 7;
	check_user("nobody-knows", 33, 7, "/srv/www");
	assert_false(has_note("user"));
}

static void test_run_unknown_user__refused(void **state)
{
	(void)state;
	refuse("{'Cmd':['tool'],'User':'nobody-knows'}", TOBI_E_NOT_FOUND, "--user");
}

static void test_run_unknown_group__refused(void **state)
{
	(void)state;
	refuse("{'Cmd':['tool'],'User':'www:nobody-knows'}", TOBI_E_NOT_FOUND, "--user");
}

static void test_run_user_without_numbers__refused(void **state)
{
	(void)state;
	refuse("{'Cmd':['tool'],'User':'bad'}", TOBI_E_MALFORMED, "--user");
}

static void test_run_ports__tcp_only_and_once(void **state)
{
	(void)state;
	manifest->ports[manifest->port_count++] = 80;
	configure_well(
	    "{'Cmd':['tool'],'ExposedPorts':{'80/tcp':{},'8080':{},'53/udp':{}}}");
	assert_int_equal(manifest->port_count, 2);
	assert_int_equal(manifest->ports[1], 8080);
	assert_true(has_note("53/udp"));
}

static void test_run_ports__more_than_an_image_has(void **state)
{
	char run[1024];
	size_t used =
	    (size_t)snprintf(run, sizeof(run), "{'Cmd':['tool'],'ExposedPorts':{");

	(void)state;
	for (int i = 0; i <= LIMIT_PORTS; i++)
		used += (size_t)snprintf(run + used, sizeof(run) - used, "%s'%d':{}",
					 i ? "," : "", 1000 + i);
	snprintf(run + used, sizeof(run) - used, "}}");
	configure_well(run);
	assert_int_equal(manifest->port_count, LIMIT_PORTS);
	assert_true(has_note("at most 16"));
}

static void test_run_wrong_port__refused(void **state)
{
	(void)state;
	refuse("{'Cmd':['tool'],'ExposedPorts':{'80x/tcp':{}}}", TOBI_E_MALFORMED, "80x");
}

static void test_run_port_zero__refused(void **state)
{
	(void)state;
	refuse("{'Cmd':['tool'],'ExposedPorts':{'0/tcp':{}}}", TOBI_E_MALFORMED, "0/tcp");
}

static void test_run_port_too_large__refused(void **state)
{
	(void)state;
	refuse("{'Cmd':['tool'],'ExposedPorts':{'65536/tcp':{}}}", TOBI_E_MALFORMED, "");
}

static void test_run_writable__state_and_volumes(void **state)
{
	(void)state;
	manifest->writable[manifest->writable_count++] = text("/mine");
	configure_well(
	    "{'Cmd':['tool'],'Volumes':{'/data/':{},'/mine/x':{},'/var/lib/db':{}"
	    ",'/usr':{},'/proc/x':{}},'WorkingDir':'/data/deep'}");
	assert_true(is_writable("/mine"));
	assert_true(is_writable("/tmp") && is_writable("/run") &&
		    is_writable("/var/lib"));
	assert_true(is_writable("/data"));
	/* below one that is there; holds the program; no place for it */
	assert_false(is_writable("/mine/x") || is_writable("/var/lib/db"));
	assert_false(is_writable("/usr") || is_writable("/proc/x"));
	assert_true(has_note("/usr stays read-only"));
	assert_true(pack_has(pack, "/data/deep"));
	/* 4 bytes in /var/lib, rounded up. */
	assert_int_equal(manifest->limits.writable, 65 << 20);
}

static void test_run_writable_size__of_the_user_stays(void **state)
{
	(void)state;
	given.writable_size = true;
	configure_well("{'Cmd':['tool']}");
	assert_int_equal(manifest->limits.writable, 64 << 20);
}

static void test_run_program_below_a_writable_path__refused(void **state)
{
	(void)state;
	manifest->writable[manifest->writable_count++] = text("/usr/bin");
	refuse("{'Cmd':['tool']}", TOBI_E_ARGUMENT, "nothing can be executed");
}

static void test_run_volume_that_leads_out__refused(void **state)
{
	(void)state;
	refuse("{'Cmd':['tool'],'Volumes':{'/../x':{}}}", TOBI_E_DENIED, "leads out");
}

static void test_run_stop_signal__said(void **state)
{
	(void)state;
	configure_well("{'Cmd':['tool'],'StopSignal':'SIGQUIT'}");
	assert_true(has_note("SIGQUIT"));
}

static void test_run_names__made_unless_the_image_has_some(void **state)
{
	(void)state;
	tar_file(&scene.tar, "etc/hosts", "");
	tar_file(&scene.tar, "etc/hostname", "mine\n");
	configure_well("{'Cmd':['tool']}");
	assert_true(pack_has(pack, "/etc/hosts"));
	for (int i = 0; i < 2; i++) {
		char path[512];
		struct writer bytes;

		snprintf(path, sizeof(path), "%s/root/etc/%s", pack->folder,
			 i ? "hostname" : "hosts");
		bytes = sample_read(path);
		wr_u8(&bytes, 0);
		assert_non_null(strstr((char *)bytes.ptr, i ? "mine" : "localhost"));
		wr_done(&bytes);
	}
}

static void test_run_other_machine__refused(void **state)
{
	struct oci_request request = {
	    .path = scene.folder, .architecture = "aarch64", .temporary = "/tmp"};
	struct tobi_fault fault = {0};

	(void)state;
	oci_put_layout("{}");
	assert_int_equal(oci_open(&request, &oci, &fault), TOBI_E_UNSUPPORTED);
	assert_string_equal(fault.field, "architecture");
}

/* Without a diff id nothing would be compared with what a layer unpacks to. */
static void test_open_without_diff_ids__refused(void **state)
{
	struct oci_request request = {
	    .path = scene.folder, .architecture = "x86_64", .temporary = "/tmp"};
	struct tobi_fault fault = {0};

	(void)state;
	scene.without_diff_ids = true;
	oci_put_layout("{}");
	assert_int_equal(oci_open(&request, &oci, &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "rootfs.diff_ids");
}

/* What is not the blob that was named is not parsed: it is no archive, and nobody sees.
 */
static void test_unpack_other_blob__refused_before_it_is_parsed(void **state)
{
	struct oci_request request = {
	    .path = scene.folder, .architecture = "x86_64", .temporary = "/tmp"};
	struct tobi_fault fault = {0};

	(void)state;
	oci_put_layout("{}");
	for (size_t i = 0; i < scene.tar.size; i++)
		scene.tar.ptr[i] ^= 0x55;
	oci_put(scene.layer, wr_view(&scene.tar));
	assert_int_equal(oci_open(&request, &oci, NULL), TOBI_OK);
	assert_int_equal(pack_new("/tmp", NULL, &pack, NULL), TOBI_OK);
	assert_int_equal(oci_unpack(oci, pack, &fault), TOBI_E_MISMATCH);
	assert_string_equal(fault.object, "layer 0");
	assert_string_equal(fault.field, "digest");
	assert_int_equal(pack->stage.entries, 0);
}

static void test_looks_like_image__by_the_first_bytes(void **state)
{
	struct writer packed = wr_init(1 << 16);

	(void)state;
	oci_put("x.tar", wr_view(&scene.tar));
	assert_true(oci_looks_like_image(oci_at("x.tar")));
	tar_pack(wr_view(&scene.tar), false, &packed);
	oci_put("x.tar.gz", wr_view(&packed));
	assert_true(oci_looks_like_image(oci_at("x.tar.gz")));
	packed.size = 0;
	tar_pack(wr_view(&scene.tar), true, &packed);
	oci_put("x.tar.zst", wr_view(&packed));
	assert_true(oci_looks_like_image(oci_at("x.tar.zst")));
	assert_true(oci_looks_like_image(scene.folder));
	oci_put("script", text("#!/bin/sh\n"));
	oci_put("empty", text(""));
	assert_false(oci_looks_like_image(oci_at("script")));
	assert_false(oci_looks_like_image(oci_at("empty")));
	assert_false(oci_looks_like_image("/bin/sh"));
	assert_false(oci_looks_like_image("/dev/null"));
	assert_false(oci_looks_like_image("nothing"));
	wr_done(&packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_run_program__entry_point_and_command),
	    TEST(test_run_program__command_of_the_user),
	    TEST(test_run_program__entry_point_of_the_user),
	    TEST(test_run_program__relative_to_the_folder),
	    TEST(test_run_without_program__refused),
	    TEST(test_run_with_empty_program__refused),
	    TEST(test_run_program_that_is_not_there__refused),
	    TEST(test_run_program_that_leads_out__refused),
	    TEST(test_run_directory_that_leads_out__refused),
	    TEST(test_run_environment__image_below_user),
	    TEST(test_run_user__name),
	    TEST(test_run_user__name_and_group),
	    TEST(test_run_user__numbers_of_nobody),
	    TEST(test_run_user__number_without_group),
	    TEST(test_run_user__root_becomes_another),
	    TEST(test_run_user__none_is_root),
	    TEST(test_run_user__too_large_becomes_another),
	    TEST(test_run_user__of_the_command_line),
	    TEST(test_run_unknown_user__refused),
	    TEST(test_run_unknown_group__refused),
	    TEST(test_run_user_without_numbers__refused),
	    TEST(test_run_ports__tcp_only_and_once),
	    TEST(test_run_ports__more_than_an_image_has),
	    TEST(test_run_wrong_port__refused),
	    TEST(test_run_port_zero__refused),
	    TEST(test_run_port_too_large__refused),
	    TEST(test_run_writable__state_and_volumes),
	    TEST(test_run_writable_size__of_the_user_stays),
	    TEST(test_run_program_below_a_writable_path__refused),
	    TEST(test_run_volume_that_leads_out__refused),
	    TEST(test_run_stop_signal__said),
	    TEST(test_run_names__made_unless_the_image_has_some),
	    TEST(test_run_other_machine__refused),
	    TEST(test_open_without_diff_ids__refused),
	    TEST(test_unpack_other_blob__refused_before_it_is_parsed),
	    TEST(test_looks_like_image__by_the_first_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
