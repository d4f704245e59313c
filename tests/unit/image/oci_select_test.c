/* Which image of a layout is meant. */
#include "oci_sample.h"

#include <stdio.h>

#include "image/oci_tools.h"

enum { MOST = 8 };

static struct oci_source *source;
static char digests[MOST][72]; /* of what blob() made */
static size_t sizes[MOST];

static void blob(int slot, const char *content)
{
	char name[128];

	tar_digest(text(content), digests[slot]);
	sizes[slot] = strlen(content);
	snprintf(name, sizeof(name), "blobs/sha256/%s", digests[slot] + 7);
	oci_put(name, text(content));
}

/* An image that can be told by its only layer's size. */
static void image(int slot, int mark)
{
	char content[1024];

	snprintf(content, sizeof(content),
		 "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
		 "vnd.oci.image.config.v1+json\",\"digest\":\"sha256:%064d\",\"size\":1},"
		 "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
		 "\"digest\":\"sha256:%064d\",\"size\":%d}]}",
		 1, 2, mark);
	blob(slot, content);
}

static void entry(struct writer *out, int slot, bool index, const char *more)
{
	wr_printf(out,
		  "%s{\"mediaType\":\"application/vnd.oci.image.%s.v1+json\","
		  "\"digest\":\"%s\",\"size\":%zu%s}",
		  out->ptr[out->size - 1] == '}' ? "," : "", index ? "index" : "manifest",
		  digests[slot], sizes[slot], more);
}

static struct writer begin(void)
{
	struct writer out = wr_init(1 << 16);

	wr_printf(&out, "{\"schemaVersion\":2,\"manifests\":[");
	return out;
}

static const char *end(struct writer *out)
{
	wr_printf(out, "]}");
	wr_u8(out, 0);
	return (const char *)out->ptr;
}

/* The mark of the image that is found, or minus the error. */
static int select_one(const char *index, const char *ref, const char *architecture,
		      struct tobi_fault *fault)
{
	struct oci_manifest manifest = {0};
	enum tobi_err err;
	int mark;

	oci_put("oci-layout", text("{\"imageLayoutVersion\":\"1.0.0\"}"));
	oci_put("index.json", text(index));
	assert_int_equal(oci_source_open(scene.folder, "/tmp", NULL, &source, NULL),
			 TOBI_OK);
	err = oci_select(source, ref, architecture, &manifest, fault);
	mark = err ? -(int)err : (int)manifest.layers[0].size;
	oci_manifest_done(&manifest);
	oci_source_free(source);
	return mark;
}

#define PLATFORM(os, architecture)                                                       \
	",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" architecture "\"}"
#define VARIANT(architecture, variant)                                                   \
	",\"platform\":{\"os\":\"linux\",\"architecture\":\"" architecture               \
	"\",\"variant\":\"" variant "\"}"
#define NAMED(ref) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" ref "\"}"

static void test_select__by_platform(void **state)
{
	struct writer index = begin();
	struct tobi_fault fault = {0};

	(void)state;
	for (int i = 0; i < 6; i++)
		image(i, 10 + i);
	entry(&index, 0, false, PLATFORM("windows", "amd64"));
	entry(&index, 1, false, VARIANT("arm", "v7"));
	entry(&index, 2, false, VARIANT("amd64", "v3"));
	entry(&index, 3, false, PLATFORM("linux", "amd64"));
	entry(&index, 4, false, VARIANT("arm64", "v8"));
	entry(&index, 5, false, PLATFORM("unknown", "unknown")); /* an attestation */
	end(&index);
	assert_int_equal(select_one((char *)index.ptr, NULL, "x86_64", NULL), 13);
	assert_int_equal(select_one((char *)index.ptr, NULL, "aarch64", NULL), 14);
	assert_int_equal(select_one((char *)index.ptr, digests[3], "x86_64", NULL), 13);
	assert_int_equal(select_one((char *)index.ptr, digests[0], "x86_64", &fault),
			 -TOBI_E_NOT_FOUND);
	assert_non_null(strstr(fault.message, "linux/amd64"));
	wr_done(&index);
}

static void test_select__by_name_and_digest(void **state)
{
	struct writer index = begin();
	struct tobi_fault fault = {0};
	const char *text_of_it;

	(void)state;
	for (int i = 0; i < 3; i++)
		image(i, 10 + i);
	entry(&index, 0, false, NAMED("v1"));
	entry(&index, 1, false, NAMED("registry.example.com/app:v2"));
	entry(&index, 0, false, NAMED("latest"));
	entry(&index, 2, false,
	      ",\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/"
	      "nginx:latest\"}");
	text_of_it = end(&index);
	assert_int_equal(select_one(text_of_it, "v1", "x86_64", NULL), 10);
	assert_int_equal(select_one(text_of_it, "latest", "x86_64", NULL), 10);
	assert_int_equal(select_one(text_of_it, "app:v2", "x86_64", NULL), 11);
	assert_int_equal(select_one(text_of_it, "nginx:latest", "x86_64", NULL), 12);
	assert_int_equal(select_one(text_of_it, digests[1], "x86_64", NULL), 11);
	assert_int_equal(select_one(text_of_it, "v3", "x86_64", &fault),
			 -TOBI_E_NOT_FOUND);
	assert_non_null(strstr(fault.message, "v1, registry.example.com/app:v2"));
	assert_int_equal(select_one(text_of_it, NULL, "x86_64", &fault),
			 -TOBI_E_ARGUMENT);
	assert_non_null(strstr(fault.message, "--ref"));
	wr_done(&index);
}

static void test_select__in_an_inner_index(void **state)
{
	struct writer inner = begin(), index = begin();

	(void)state;
	image(0, 10);
	image(1, 11);
	entry(&inner, 0, false, PLATFORM("linux", "arm64"));
	entry(&inner, 1, false, PLATFORM("linux", "amd64"));
	blob(2, end(&inner));
	entry(&index, 2, true, NAMED("multi"));
	end(&index);
	assert_int_equal(select_one((char *)index.ptr, NULL, "x86_64", NULL), 11);
	assert_int_equal(select_one((char *)index.ptr, "multi", "aarch64", NULL), 10);
	assert_int_equal(select_one((char *)index.ptr, digests[2], "aarch64", NULL), 10);
	assert_int_equal(select_one((char *)index.ptr, digests[1], "x86_64", NULL), 11);
	assert_int_equal(select_one((char *)index.ptr, "other", "x86_64", NULL),
			 -TOBI_E_NOT_FOUND);
	wr_done(&inner);
	wr_done(&index);
}

/* Depth depth: an index in an index in ... */
static int nested(int depth)
{
	struct writer last = begin();
	int mark;

	image(0, 10);
	entry(&last, 0, false, "");
	for (int i = 0; i < depth; i++) {
		blob(1, end(&last));
		wr_done(&last);
		last = begin();
		entry(&last, 1, true, "");
	}
	mark = select_one(end(&last), NULL, "x86_64", NULL);
	wr_done(&last);
	return mark;
}

static void test_select_depth__limit_and_one_beyond(void **state)
{
	(void)state;
	assert_int_equal(nested(LIMIT_OCI_INDEX_DEPTH - 1), 10);
	assert_int_equal(nested(LIMIT_OCI_INDEX_DEPTH), -TOBI_E_LIMIT);
}

static void test_select_breadth__limited(void **state)
{
	struct writer inner = begin(), index = begin();

	(void)state;
	blob(0, end(&inner));
	for (int i = 0; i < LIMIT_OCI_DOCUMENTS; i++)
		entry(&index, 0, true, "");
	assert_int_equal(select_one(end(&index), NULL, "x86_64", NULL), -TOBI_E_LIMIT);
	wr_done(&inner);
	wr_done(&index);
}

static void test_select__documents_of_other_bytes_refused(void **state)
{
	struct writer inner = begin(), index = begin();
	char name[128];
	struct tobi_fault fault = {0};

	(void)state;
	image(0, 10);
	entry(&inner, 0, false, "");
	blob(1, end(&inner));
	entry(&index, 1, true, "");
	end(&index);
	assert_int_equal(select_one((char *)index.ptr, NULL, "x86_64", NULL), 10);
	for (int slot = 0; slot < 2; slot++) {
		struct writer bytes;

		snprintf(name, sizeof(name), "blobs/sha256/%s", digests[slot] + 7);
		bytes = sample_read(oci_at(name));
		bytes.ptr[bytes.size - 3] ^= 1;
		oci_put(name, wr_view(&bytes));
		assert_int_equal(select_one((char *)index.ptr, NULL, "x86_64", &fault),
				 -TOBI_E_MISMATCH);
		bytes.ptr[bytes.size - 3] ^= 1;
		bytes.size--;
		oci_put(name, wr_view(&bytes));
		assert_int_equal(select_one((char *)index.ptr, NULL, "x86_64", &fault),
				 -TOBI_E_MISMATCH);
		assert_string_equal(fault.field, "size");
		bytes.size++;
		oci_put(name, wr_view(&bytes));
		wr_done(&bytes);
	}
	wr_done(&inner);
	wr_done(&index);
}

static void test_select__what_is_no_image(void **state)
{
	struct oci_manifest manifest = {0};
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(
	    select_one("{\"schemaVersion\":2,\"manifests\":[]}", NULL, "x86_64", NULL),
	    -TOBI_E_NOT_FOUND);
	oci_put("oci-layout", text("{\"imageLayoutVersion\":\"2.0.0\"}"));
	assert_int_equal(oci_source_open(scene.folder, "/tmp", NULL, &source, NULL),
			 TOBI_OK);
	assert_int_equal(oci_select(source, NULL, "x86_64", &manifest, &fault),
			 TOBI_E_UNSUPPORTED);
	assert_string_equal(fault.field, "imageLayoutVersion");
	oci_source_free(source);
	assert_int_equal(oci_source_open(scene.outside, "/tmp", NULL, &source, NULL),
			 TOBI_OK);
	assert_int_equal(oci_select(source, NULL, "x86_64", &manifest, &fault),
			 TOBI_E_MALFORMED);
	assert_non_null(strstr(fault.message, "manifest.json"));
	oci_source_free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    OCI_TEST(test_select__by_platform),
	    OCI_TEST(test_select__by_name_and_digest),
	    OCI_TEST(test_select__in_an_inner_index),
	    OCI_TEST(test_select_depth__limit_and_one_beyond),
	    OCI_TEST(test_select_breadth__limited),
	    OCI_TEST(test_select__documents_of_other_bytes_refused),
	    OCI_TEST(test_select__what_is_no_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
