#include "sample.h"

#include <stdio.h>

#include "codec/cbor.h"

#include "image/hashtree.h"

/* The manifest of sample_manifest(), written by hand from section 1.1. */
static const char golden[] =
    "\xb3\x00\x01\x01\x6bredis-7.0_x\x02\x66x86_64"
    "\x03\xa5\x00\x65"
    "erofs\x01\x19\x20\x00\x02\x58\x20"
    "\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x03\x58\x30"
    "\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0"
    "\0\0\0\0\0\0\0\0\x04\x19\x10\x00"
    "\x04\x83\x75/usr/bin/redis-server\x66--save\x60"
    "\x05\xa2\x61"
    "B\x61"
    "2\x62"
    "AA\x60"
    "\x06\xa2\x00\x19\x03\xe8\x01\x19\x03\xe9"
    "\x07\x82\x18\x50\x19\x18\xeb"
    "\x08\x82\x83\x68[::1]:80\x18\x51\x60\x83\x6f"
    "example.com:443\x19\x01\xbb\x6a/peer.yaml"
    "\x09\x81\x65/data"
    "\x0a\xa5\x00\x1a\x04\x00\x00\x00\x01\x0a\x02\x19\x01\xf4\x03\x18\x40\x04\x1a\x00\x10"
    "\x00\x00"
    "\x0b\xf4\x0c\x07\x0d\x03"
    "\x0e\x82\x64/run\x64/tmp"
    "\x0f\x82\x67key.pem\x68password"
    "\x10\x61/\x11\x01\x12\x66launch";

static const struct tobi_bytes golden_bytes = {(const uint8_t *)golden,
					       sizeof(golden) - 1};

static enum tobi_err parse(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	static struct manifest out;

	return manifest_parse(bytes, &out, fault);
}

static void test_manifest_golden__round_trip(void **state)
{
	struct writer bytes = sample_manifest_bytes(), again = wr_init(LIMIT_MANIFEST);
	static struct manifest read;

	(void)state;
	assert_int_equal(bytes.size, golden_bytes.size);
	assert_memory_equal(bytes.ptr, golden, bytes.size);
	assert_int_equal(manifest_parse(golden_bytes, &read, NULL), TOBI_OK);
	assert_true(bytes_equal_text(read.arguments[1], "--save"));
	assert_true(bytes_equal_text(read.environment[1].name, "AA"));
	assert_int_equal(read.ports[1], 6379);
	assert_int_equal(read.limits.cpu_milli, 500);
	assert_int_equal(manifest_write(&read, &again, NULL), TOBI_OK);
	assert_true(bytes_equal(wr_view(&again), golden_bytes));
	wr_done(&bytes);
	wr_done(&again);
}

static void test_manifest_truncated__every_length__names_the_offset(void **state)
{
	(void)state;
	for (size_t size = 0; size < golden_bytes.size; size++) {
		struct tobi_fault fault = {0};

		assert_int_not_equal(
		    parse((struct tobi_bytes){golden_bytes.ptr, size}, &fault), TOBI_OK);
		assert_string_equal(fault.object, "manifest");
		assert_true(fault.has_offset && fault.offset <= size);
		assert_true(fault.field[0]);
	}
}

static void test_manifest_trailing_byte__fails(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	/* The literal's own terminator. */
	assert_int_equal(
	    parse((struct tobi_bytes){golden_bytes.ptr, sizeof(golden)}, &fault),
	    TOBI_E_TRAILING);
	assert_int_equal(fault.offset, golden_bytes.size);
}

/* A flip is refused, or is written back as it was read: nothing of the input is unseen.
 */
static void test_manifest_bit_flips__all_seen(void **state)
{
	static struct manifest out;
	uint8_t flipped[sizeof(golden) - 1];

	(void)state;
	for (size_t bit = 0; bit < sizeof(flipped) * 8; bit++) {
		struct tobi_bytes bytes = {flipped, sizeof(flipped)};
		struct writer again = wr_init(LIMIT_MANIFEST);
		struct tobi_fault fault = {0};

		memcpy(flipped, golden, sizeof(flipped));
		flipped[bit / 8] = (uint8_t)(flipped[bit / 8] ^ 1 << bit % 8);
		if (manifest_parse(bytes, &out, &fault) == TOBI_OK) {
			assert_int_equal(manifest_write(&out, &again, NULL), TOBI_OK);
			assert_true(bytes_equal(wr_view(&again), bytes));
		} else {
			assert_true(fault.field[0] && fault.has_offset);
		}
		wr_done(&again);
	}
}

/* ---- rules: a change of the sample, which the writer and the parser refuse ---- */

static void refused(const struct manifest *m, const char *field, int line)
{
	struct writer out = wr_init(LIMIT_MANIFEST);
	struct tobi_fault fault = {0};

	if (manifest_write(m, &out, &fault) == TOBI_OK)
		fail_msg("line %d: accepted, but %s breaks a rule", line, field);
	if (strcmp(fault.field, field) != 0 || !fault.has_offset)
		fail_msg("line %d: field %s, not %s", line, fault.field, field);
	assert_int_equal(out.size, 0);
}

static void accepted(const struct manifest *m, int line)
{
	struct writer out = wr_init(LIMIT_MANIFEST);
	struct tobi_fault fault = {0};

	if (manifest_write(m, &out, &fault))
		fail_msg("line %d: %s: %s", line, fault.field, fault.message);
	wr_done(&out);
}

#define REFUSED(field, ...)                                                              \
	do {                                                                             \
		struct manifest *m = sample_manifest();                                  \
		__VA_ARGS__;                                                             \
		refused(m, field, __LINE__);                                             \
	} while (0)
#define ACCEPTED(...)                                                                    \
	do {                                                                             \
		struct manifest *m = sample_manifest();                                  \
		__VA_ARGS__;                                                             \
		accepted(m, __LINE__);                                                   \
	} while (0)

static void test_manifest_texts__rules_are_kept(void **state)
{
	(void)state;
	REFUSED("name", m->name = text(""));
	REFUSED("name", m->name = text("Redis"));
	REFUSED("architecture", m->architecture = text("riscv64"));
	ACCEPTED(m->architecture = text("aarch64"));
	REFUSED("arguments", m->argument_count = 0);
	REFUSED("arguments", m->arguments[0] = text("redis"));
	REFUSED("arguments", m->arguments[0] = text("/usr/../redis"));
	REFUSED("arguments", m->arguments[1] = text("a\nb"));
	REFUSED("arguments", m->arguments[1] = text("\xff"));
	REFUSED("environment", m->environment[1].name = text("A-B"));
	REFUSED("environment", m->environment[0].name = text("AA"));
	REFUSED("environment", m->environment[0].name = text("CCC"));
	REFUSED("egress", m->egress[0].target = text("example.com"));
	REFUSED("egress", m->egress[0].target = text("example.com:443"));
	REFUSED("egress", m->egress[0].policy = text("peer.yaml"));
	REFUSED("egress", m->egress[0].policy = text("/"));
	REFUSED("egress", m->egress[0].policy = text("Launch"));
	ACCEPTED(m->egress[0].policy = text("launch"));
	REFUSED("egress", m->egress[0].port = 443);
	REFUSED("egress", m->egress[0].port = 444);
	REFUSED("egress", m->egress[0].port = 0);
	REFUSED("egress", m->egress[0].port = 80); /* the program listens there */
	REFUSED("clients", m->clients = text("clients.yaml"));
	REFUSED("clients", m->clients = text("/../x"));
	REFUSED("clients", m->clients = text("programs"));
	REFUSED("egress", m->egress[0].policy = text("program"));
	ACCEPTED(m->clients = text("program"));
	ACCEPTED(m->clients = text(""));
	ACCEPTED(m->clients = text("/etc/clients.yaml"));
	REFUSED("volumes", m->volumes[0] = text("data"));
	REFUSED("writable", m->writable[0] = text("/"));
	REFUSED("writable", m->writable[0] = text("/dev/shm"));
	REFUSED("writable", m->writable[0] = text("/tmp"));
	REFUSED("writable", m->writable[0] = text("/usr"));
	REFUSED("secrets", m->secrets[0] = text(".hidden"));
	REFUSED("secrets", m->secrets[0] = text("password"));
	REFUSED("secrets", m->secrets[0] = text("zzz"));
	REFUSED("directory", m->directory = text("home"));
	REFUSED("directory", m->directory = text("/home/"));
}

static void test_manifest_numbers__bounds_and_one_beyond(void **state)
{
	(void)state;
	REFUSED("user.uid", m->uid = 0);
	ACCEPTED(m->uid = 1);
	ACCEPTED(m->uid = 65533);
	REFUSED("user.uid", m->uid = 65534);
	REFUSED("user.gid", m->gid = 0);
	ACCEPTED(m->gid = 65533);
	REFUSED("user.gid", m->gid = 65534);
	REFUSED("ports", m->ports[0] = 0);
	ACCEPTED(m->ports[0] = 1);
	ACCEPTED(m->ports[1] = 65535);
	REFUSED("ports", m->ports[0] = 6379);
	REFUSED("ports", m->ports[0] = 6380);
	REFUSED("resources.memory", m->limits.memory = MANIFEST_MEMORY_MIN - 1);
	ACCEPTED(m->limits.memory = MANIFEST_MEMORY_MIN);
	ACCEPTED(m->limits.memory = MANIFEST_MEMORY_MAX);
	REFUSED("resources.memory", m->limits.memory = MANIFEST_MEMORY_MAX + 1);
	REFUSED("resources.processes", m->limits.processes = 0);
	ACCEPTED(m->limits.processes = 1);
	ACCEPTED(m->limits.processes = 1 << 22);
	REFUSED("resources.processes", m->limits.processes = (1 << 22) + 1);
	REFUSED("resources.cpu", m->limits.cpu_milli = 9);
	ACCEPTED(m->limits.cpu_milli = 10);
	ACCEPTED(m->limits.cpu_milli = 1 << 20);
	REFUSED("resources.cpu", m->limits.cpu_milli = (1 << 20) + 1);
	REFUSED("resources.files", m->limits.files = 15);
	ACCEPTED(m->limits.files = 16);
	ACCEPTED(m->limits.files = 1 << 20);
	REFUSED("resources.files", m->limits.files = (1 << 20) + 1);
	ACCEPTED(m->limits.writable = 0);
	ACCEPTED(m->limits.writable = MANIFEST_MEMORY_MAX);
	REFUSED("resources.writable", m->limits.writable = MANIFEST_MEMORY_MAX + 1);
	ACCEPTED(m->product = 65535; m->svn = 65535);
}

static void test_manifest_root__sizes_fit_together(void **state)
{
	(void)state;
	REFUSED("root.size", m->root.size = 0);
	ACCEPTED(m->root.size = 4096; m->root.tree_size = 0);
	REFUSED("root.size", m->root.size = 4097);
	REFUSED("root.tree-size", m->root.size = 4096);
	REFUSED("root.tree-size", m->root.tree_size = 8192);
	ACCEPTED(m->root.size = LIMIT_ROOTFS;
		 m->root.tree_size = hashtree_size(LIMIT_ROOTFS));
	REFUSED("root.size", m->root.size = LIMIT_ROOTFS + 4096);
	REFUSED("root.tree-root", m->root.tree_root.size = 31);
	REFUSED("root.sha384", m->root.sha384.size = 47);
}

/* The first numbers of texts[]: names that rise. */
static char texts[LIMIT_ARGUMENTS + 1][8];

static void fill_texts(const char *format)
{
	for (int i = 0; i <= LIMIT_ARGUMENTS; i++)
		snprintf(texts[i], sizeof(texts[i]), format, i);
}

/* Lists in the manifest are exactly as long as allowed: what is one longer is made as
 * bytes, by replacing the sample's list. */
static enum tobi_err with_list(uint8_t key, struct tobi_bytes old,
			       const struct writer *list, struct tobi_fault *fault)
{
	struct writer out = wr_init(1 << 20);
	const uint8_t *at = golden_bytes.ptr;
	enum tobi_err err;

	while (*at != key || memcmp(at + 1, old.ptr, old.size) != 0)
		at++;
	wr_bytes(&out, golden_bytes.ptr, (size_t)(at + 1 - golden_bytes.ptr));
	wr_bytes(&out, list->ptr, list->size);
	at += 1 + old.size;
	wr_bytes(&out, at, (size_t)(golden_bytes.ptr + golden_bytes.size - at));
	err = parse(wr_view(&out), fault);
	wr_done(&out);
	return err;
}

static struct writer text_list(size_t count)
{
	struct writer list = wr_init(1 << 16);

	cbor_write_array(&list, count);
	for (size_t i = 0; i < count; i++)
		cbor_write_text(&list, texts[i]);
	return list;
}

static void check_count(uint8_t key, const char *old, size_t old_size, size_t max,
			const char *field)
{
	for (size_t count = max; count <= max + 1; count++) {
		struct writer list = text_list(count);
		struct tobi_fault fault = {0};
		enum tobi_err err =
		    with_list(key, (struct tobi_bytes){(const uint8_t *)old, old_size},
			      &list, &fault);

		assert_int_equal(err, count > max ? TOBI_E_LIMIT : TOBI_OK);
		if (err)
			assert_string_equal(fault.field, field);
		wr_done(&list);
	}
}

static void test_manifest_lists__limit_and_one_beyond(void **state)
{
	(void)state;
	fill_texts("/a%03d");
	check_count(4, "\x83\x75/usr/bin/redis-server\x66--save\x60", 31, LIMIT_ARGUMENTS,
		    "arguments");
	check_count(14, "\x82\x64/run\x64/tmp", 11, LIMIT_WRITABLE, "writable");
	check_count(9, "\x81\x65/data", 7, LIMIT_PORTS, "volumes");
	fill_texts("s%03d");
	check_count(15, "\x82\x67key.pem\x68password", 18, LIMIT_SECRETS, "secrets");
}

static const char egress_list[] = "\x82\x83\x68[::1]:80\x18\x51\x60\x83\x6f"
				  "example.com:443\x19\x01\xbb\x6a/peer.yaml";
static const struct tobi_bytes egress_bytes = {(const uint8_t *)egress_list,
					       sizeof(egress_list) - 1};

static void test_manifest_egress__limit_and_one_beyond(void **state)
{
	(void)state;
	fill_texts("a:1%03d");
	for (size_t count = LIMIT_PORTS; count <= LIMIT_PORTS + 1; count++) {
		struct writer list = wr_init(4096);
		struct tobi_fault fault = {0};
		enum tobi_err err;

		cbor_write_array(&list, count);
		for (size_t i = 0; i < count; i++) {
			cbor_write_array(&list, 3);
			cbor_write_text(&list, texts[i]);
			cbor_write_uint(&list, 1000 + i);
			cbor_write_text(&list, "");
		}
		err = with_list(8, egress_bytes, &list, &fault);
		assert_int_equal(err, count > LIMIT_PORTS ? TOBI_E_LIMIT : TOBI_OK);
		if (err)
			assert_string_equal(fault.field, "egress");
		wr_done(&list);
	}
}

/* An entry of two or four, and one that is text alone, as it once was. */
static void test_manifest_egress__another_shape__is_malformed(void **state)
{
	static const char *const shapes[] = {"\x81\x82\x64"
					     "a:80\x19\x03\xe8",
					     "\x81\x84\x64"
					     "a:80\x19\x03\xe8\x60\x60",
					     "\x81\x64"
					     "a:80"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct writer list = wr_init(64);
		struct tobi_fault fault = {0};

		wr_bytes(&list, shapes[i], strlen(shapes[i]));
		assert_int_not_equal(with_list(8, egress_bytes, &list, &fault), TOBI_OK);
		assert_string_equal(fault.field, "egress");
		wr_done(&list);
	}
}

static void test_manifest_ports_and_environment__limit_and_one_beyond(void **state)
{
	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		struct writer ports = wr_init(1024), pairs = wr_init(1 << 16);
		enum tobi_err want = extra ? TOBI_E_LIMIT : TOBI_OK;

		cbor_write_array(&ports, LIMIT_PORTS + extra);
		for (size_t i = 0; i < LIMIT_PORTS + extra; i++)
			cbor_write_uint(&ports, i + 1);
		assert_int_equal(
		    with_list(7,
			      (struct tobi_bytes){
				  (const uint8_t *)"\x82\x18\x50\x19\x18\xeb", 6},
			      &ports, NULL),
		    want);
		fill_texts("A%03d");
		cbor_write_map(&pairs, LIMIT_ARGUMENTS + extra);
		for (size_t i = 0; i < LIMIT_ARGUMENTS + extra; i++) {
			cbor_write_text(&pairs, texts[i]);
			cbor_write_text(&pairs, "");
		}
		assert_int_equal(with_list(5,
					   (struct tobi_bytes){(const uint8_t *)"\xa2\x61"
										"B\x61"
										"2\x62"
										"AA\x60",
							       9},
					   &pairs, NULL),
				 want);
		wr_done(&ports);
		wr_done(&pairs);
	}
}

static void test_manifest_argument_size__limit_and_one_beyond(void **state)
{
	static char longest[LIMIT_ARGUMENT + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	ACCEPTED(m->arguments[1] =
		     (struct tobi_bytes){(uint8_t *)longest, LIMIT_ARGUMENT});
	REFUSED("arguments", m->arguments[1] = (struct tobi_bytes){(uint8_t *)longest,
								   LIMIT_ARGUMENT + 1});
	ACCEPTED(m->environment[0].value =
		     (struct tobi_bytes){(uint8_t *)longest, LIMIT_ARGUMENT});
	REFUSED("environment", m->environment[0].value = (struct tobi_bytes){
				   (uint8_t *)longest, LIMIT_ARGUMENT + 1});
}

/* Of exactly the limit is read; one more is not even looked at. */
static void test_manifest_size__limit_and_one_beyond(void **state)
{
	static char filler[LIMIT_ARGUMENT];
	struct writer out = wr_init(LIMIT_MANIFEST);
	struct manifest *m = sample_manifest();
	struct tobi_fault fault = {0};
	size_t left = LIMIT_MANIFEST - golden_bytes.size;

	(void)state;
	memset(filler, 'x', sizeof(filler));
	while (left) { /* an argument of 256 or more costs three bytes more */
		size_t part = left > 4099 + 300 ? 4096 : left > 4099 ? 2000 : left - 3;

		m->arguments[m->argument_count++] =
		    (struct tobi_bytes){(uint8_t *)filler, part};
		left -= part + 3;
	}
	assert_int_equal(manifest_write(m, &out, &fault), TOBI_OK);
	assert_int_equal(out.size, LIMIT_MANIFEST);
	wr_done(&out);
	m->arguments[1] = text("--save2");
	assert_int_equal(manifest_write(m, &out, &fault), TOBI_E_LIMIT);
	assert_string_equal(fault.field, "size");
	assert_int_equal(
	    parse((struct tobi_bytes){(uint8_t *)filler, LIMIT_MANIFEST + 1}, &fault),
	    TOBI_E_LIMIT);
	assert_int_equal(fault.offset, LIMIT_MANIFEST);
}

/* ---- keys ---- */

static void test_manifest_keys__missing_unknown_or_twice__fails(void **state)
{
	struct tobi_fault fault = {0};
	uint8_t changed[sizeof(golden) + 2];
	const size_t last = 8; /* 18: "launch" */

	(void)state;
	/* Without the last pair; with one more. */
	memcpy(changed, golden, sizeof(golden));
	changed[0] = 0xb2;
	assert_int_equal(
	    parse((struct tobi_bytes){changed, golden_bytes.size - last}, &fault),
	    TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "clients");
	changed[0] = 0xb4;
	changed[golden_bytes.size] = 0x13;
	changed[golden_bytes.size + 1] = 0;
	assert_int_equal(
	    parse((struct tobi_bytes){changed, golden_bytes.size + 2}, &fault),
	    TOBI_E_LIMIT);
	/* Another key in the place of one. */
	changed[0] = 0xb3;
	changed[golden_bytes.size - last] = 0x13;
	assert_int_equal(parse((struct tobi_bytes){changed, golden_bytes.size}, &fault),
			 TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "clients");
	assert_int_equal(fault.offset, golden_bytes.size - last);
	changed[golden_bytes.size - last] = 0x11;
	assert_int_not_equal(
	    parse((struct tobi_bytes){changed, golden_bytes.size}, &fault), TOBI_OK);
	/* Another version; a root of another kind; an output that is none. */
	memcpy(changed, golden, sizeof(golden));
	changed[2] = 2;
	assert_int_equal(parse((struct tobi_bytes){changed, golden_bytes.size}, &fault),
			 TOBI_E_UNSUPPORTED);
	assert_string_equal(fault.field, "version");
	memcpy(changed, golden, sizeof(golden));
	*(uint8_t *)memmem(changed, sizeof(changed), "erofs", 5) = 'x';
	assert_int_equal(parse((struct tobi_bytes){changed, golden_bytes.size}, &fault),
			 TOBI_E_UNSUPPORTED);
	assert_string_equal(fault.field, "root.type");
	memcpy(changed, golden, sizeof(golden));
	changed[golden_bytes.size - last - 1] = 2;
	assert_int_equal(parse((struct tobi_bytes){changed, golden_bytes.size}, &fault),
			 TOBI_E_LIMIT);
	assert_string_equal(fault.field, "output");
}

static void test_manifest_sort__brings_the_order_required(void **state)
{
	struct manifest *m = sample_manifest();
	struct writer out = wr_init(LIMIT_MANIFEST);

	(void)state;
	m->environment[0] = (struct text_pair){text("AA"), text("")};
	m->environment[1] = (struct text_pair){text("B"), text("2")};
	m->ports[0] = 6379;
	m->ports[1] = 80;
	m->writable[0] = text("/tmp");
	m->writable[1] = text("/run");
	m->secrets[0] = text("password");
	m->secrets[1] = text("key.pem");
	manifest_sort(m);
	assert_int_equal(manifest_write(m, &out, NULL), TOBI_OK);
	assert_true(bytes_equal(wr_view(&out), golden_bytes));
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_manifest_golden__round_trip),
	    cmocka_unit_test(test_manifest_truncated__every_length__names_the_offset),
	    cmocka_unit_test(test_manifest_trailing_byte__fails),
	    cmocka_unit_test(test_manifest_bit_flips__all_seen),
	    cmocka_unit_test(test_manifest_texts__rules_are_kept),
	    cmocka_unit_test(test_manifest_numbers__bounds_and_one_beyond),
	    cmocka_unit_test(test_manifest_root__sizes_fit_together),
	    cmocka_unit_test(test_manifest_lists__limit_and_one_beyond),
	    cmocka_unit_test(test_manifest_egress__limit_and_one_beyond),
	    cmocka_unit_test(test_manifest_egress__another_shape__is_malformed),
	    cmocka_unit_test(test_manifest_ports_and_environment__limit_and_one_beyond),
	    cmocka_unit_test(test_manifest_argument_size__limit_and_one_beyond),
	    cmocka_unit_test(test_manifest_size__limit_and_one_beyond),
	    cmocka_unit_test(test_manifest_keys__missing_unknown_or_twice__fails),
	    cmocka_unit_test(test_manifest_sort__brings_the_order_required),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
