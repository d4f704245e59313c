/* Index, manifest, configuration, manifest.json: each rule, and what breaks it. */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "image/oci_document.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DIGEST "sha256:" HEX
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"

/* Single quotes become double ones: the documents stay readable. */
static struct writer json(const char *text_of_it)
{
	struct writer out = wr_init(4 << 20);

	for (const char *at = text_of_it; *at; at++)
		wr_u8(&out, *at == '\'' ? '"' : (uint8_t)*at);
	return out;
}

struct wrong {
	const char *document;
	enum tobi_err err;
	const char *field;
};

typedef enum tobi_err parse_fn(struct tobi_bytes bytes, struct tobi_fault *fault);

static void check_wrong(const struct wrong *list, size_t count, parse_fn *parse)
{
	for (size_t i = 0; i < count; i++) {
		struct writer bytes = json(list[i].document);
		struct tobi_fault fault = {0};
		enum tobi_err err = parse(wr_view(&bytes), &fault);

		if (err != list[i].err || strcmp(fault.field, list[i].field) != 0)
			fail_msg("%zu: %d '%s' %s", i, err, fault.field, fault.message);
		assert_true(fault.message[0]);
		wr_done(&bytes);
	}
}
#define CHECK_WRONG(list, parse) check_wrong(list, sizeof(list) / sizeof(list[0]), parse)

/* Every cut of a good one is an error. */
static void check_cuts(const char *document, parse_fn *parse)
{
	struct writer bytes = json(document);

	assert_int_equal(parse(wr_view(&bytes), NULL), TOBI_OK);
	for (size_t cut = 0; cut < bytes.size; cut++)
		assert_int_not_equal(parse((struct tobi_bytes){bytes.ptr, cut}, NULL),
				     TOBI_OK);
	wr_done(&bytes);
}

static enum tobi_err parse_index(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	struct oci_index index = {0};
	enum tobi_err err = oci_index_parse(bytes, "index.json", &index, fault);

	oci_index_done(&index);
	return err;
}

#define DESCRIPTOR(type) "'mediaType':'" type "','digest':'" DIGEST "','size':7"
#define INDEX(entry) "{'schemaVersion':2,'manifests':[" entry "]}"

static void test_index__rules(void **state)
{
	static const struct wrong list[] = {
	    {"[]", TOBI_E_UNSUPPORTED, "schemaVersion"},
	    {"{'schemaVersion':1,'manifests':[]}", TOBI_E_UNSUPPORTED, "schemaVersion"},
	    {"{'schemaVersion':'2','manifests':[]}", TOBI_E_UNSUPPORTED, "schemaVersion"},
	    {"{'schemaVersion':2}", TOBI_E_MALFORMED, "manifests"},
	    {"{'schemaVersion':2,'manifests':{}}", TOBI_E_MALFORMED, "manifests"},
	    {INDEX("7"), TOBI_E_MALFORMED, "manifests[0]."},
	    {INDEX("{}"), TOBI_E_MALFORMED, "manifests[0].mediaType"},
	    {INDEX("{'mediaType':'x'}"), TOBI_E_MALFORMED, "manifests[0].digest"},
	    {INDEX("{'mediaType':'x','digest':'sha1:00','size':1}"), TOBI_E_MALFORMED,
	     "manifests[0].digest"},
	    {INDEX("{'mediaType':'x','digest':'" DIGEST "'}"), TOBI_E_MALFORMED,
	     "manifests[0].size"},
	    {INDEX("{'mediaType':'x','digest':'" DIGEST "','size':-1}"), TOBI_E_MALFORMED,
	     "manifests[0].size"},
	    {INDEX("{'mediaType':'x','digest':'" DIGEST "','size':1.5}"),
	     TOBI_E_MALFORMED, "manifests[0].size"},
	    {INDEX("{" DESCRIPTOR("x") ",'platform':[]}"), TOBI_E_MALFORMED,
	     "manifests[0].platform"},
	    {INDEX("{" DESCRIPTOR("x") ",'platform':{'os':7}}"), TOBI_E_MALFORMED,
	     "manifests[0].os"},
	    {INDEX("{" DESCRIPTOR(
		 "x") ",'annotations':{'org.opencontainers.image.ref.name':7}}"),
	     TOBI_E_MALFORMED, "manifests[0].org.opencontainers.image.ref.name"},
	    {INDEX("{" DESCRIPTOR("x") "}],'manifests':["), TOBI_E_MALFORMED, ""},
	};
	struct writer bytes = json(INDEX("{" DESCRIPTOR(
	    MANIFEST_TYPE) ",'platform':{'os':'linux',"
			   "'architecture':'arm64','variant':"
			   "'v8'},'annotations':{'org."
			   "opencontainers.image.ref.name':"
			   "'v1'}},{" DESCRIPTOR(
			       "application/vnd.oci.image.index.v1+json") "}"));
	struct oci_index index = {0};

	(void)state;
	assert_int_equal(oci_index_parse(wr_view(&bytes), "index.json", &index, NULL),
			 TOBI_OK);
	assert_int_equal(index.count, 2);
	assert_string_equal(index.choices[0].descriptor.name, "blobs/sha256/" HEX);
	assert_int_equal(index.choices[0].descriptor.size, 7);
	assert_string_equal(index.choices[0].platform.architecture, "arm64");
	assert_string_equal(index.choices[0].ref, "v1");
	assert_false(index.choices[0].is_index);
	assert_string_equal(index.choices[1].platform.os, "");
	assert_true(index.choices[1].is_index);
	oci_index_done(&index);
	wr_done(&bytes);
	CHECK_WRONG(list, parse_index);
	check_cuts(INDEX("{" DESCRIPTOR(MANIFEST_TYPE) "}"), parse_index);
}

static void test_index_entries__limit_and_one_beyond(void **state)
{
	struct writer bytes = wr_init(4 << 20);

	(void)state;
	for (int more = 0; more < 2; more++) {
		bytes.size = 0;
		wr_printf(&bytes, "{\"schemaVersion\":2,\"manifests\":[");
		for (int i = 0; i < LIMIT_OCI_DESCRIPTORS + more; i++)
			wr_printf(&bytes,
				  "%s{\"mediaType\":\"x\",\"digest\":\"" DIGEST
				  "\",\"size\":1}",
				  i ? "," : "");
		wr_printf(&bytes, "]}");
		assert_int_equal(parse_index(wr_view(&bytes), NULL),
				 more ? TOBI_E_LIMIT : TOBI_OK);
	}
	wr_done(&bytes);
}

static enum tobi_err parse_manifest(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	struct oci_manifest manifest = {0};
	enum tobi_err err = oci_manifest_parse(bytes, "manifest", &manifest, fault);

	oci_manifest_done(&manifest);
	return err;
}

#define LAYER(type) "{" DESCRIPTOR(type) "}"
#define MANIFEST(layers)                                                                 \
	"{'schemaVersion':2,'config':{" DESCRIPTOR(CONFIG_TYPE) "},'layers':[" layers "]}"

static void test_manifest__rules(void **state)
{
	static const struct wrong list[] = {
	    {"{'schemaVersion':1}", TOBI_E_UNSUPPORTED, "schemaVersion"},
	    {"{'schemaVersion':2,'mediaType':'application/vnd.oci.image.index.v1+json'}",
	     TOBI_E_UNSUPPORTED, "mediaType"},
	    {"{'schemaVersion':2}", TOBI_E_MALFORMED, "config."},
	    {"{'schemaVersion':2,'config':{" DESCRIPTOR(
		 "application/vnd.cncf.helm.config.v1+json") "},'layers':[]}",
	     TOBI_E_UNSUPPORTED, "config.mediaType"},
	    {"{'schemaVersion':2,'config':{" DESCRIPTOR(CONFIG_TYPE) "}}",
	     TOBI_E_MALFORMED, "layers"},
	    {MANIFEST("7"), TOBI_E_MALFORMED, "layers[0]."},
	    {MANIFEST(LAYER("text/plain")), TOBI_E_UNSUPPORTED, "layers[0].mediaType"},
	    {MANIFEST(LAYER(LAYER_TYPE) "," LAYER(LAYER_TYPE "+xz")), TOBI_E_UNSUPPORTED,
	     "layers[1].mediaType"},
	    {MANIFEST(LAYER(LAYER_TYPE "+gzip+encrypted")), TOBI_E_UNSUPPORTED,
	     "layers[0].mediaType"},
	    {MANIFEST(LAYER("application/vnd.oci.image.layer.nondistributable.v1.tar")),
	     TOBI_E_UNSUPPORTED, "layers[0].mediaType"},
	    {MANIFEST(LAYER("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")),
	     TOBI_E_UNSUPPORTED, "layers[0].mediaType"},
	    {MANIFEST("{" DESCRIPTOR(LAYER_TYPE) ",'urls':['https://example.com/x']}"),
	     TOBI_E_UNSUPPORTED, "layers[0].urls"},
	    {MANIFEST("{" DESCRIPTOR(LAYER_TYPE) ",'urls':[7]}"), TOBI_E_MALFORMED,
	     "layers[0].urls"},
	};
	struct writer bytes = json(MANIFEST(LAYER(LAYER_TYPE) "," LAYER(
	    LAYER_TYPE "+gzip") ",{" DESCRIPTOR(LAYER_TYPE "+zstd") ",'urls':[]}"));
	struct oci_manifest manifest = {0};
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(oci_manifest_parse(wr_view(&bytes), "manifest", &manifest, NULL),
			 TOBI_OK);
	assert_int_equal(manifest.count, 3);
	assert_string_equal(manifest.config.digest.text, DIGEST);
	oci_manifest_done(&manifest);
	wr_done(&bytes);
	CHECK_WRONG(list, parse_manifest);
	check_cuts(MANIFEST(LAYER(LAYER_TYPE)), parse_manifest);
	/* It says what to do about an encrypted one. */
	bytes = json(MANIFEST(LAYER(LAYER_TYPE "+encrypted")));
	assert_int_equal(parse_manifest(wr_view(&bytes), &fault), TOBI_E_UNSUPPORTED);
	assert_non_null(strstr(fault.message, "encrypted"));
	wr_done(&bytes);
}

static void test_manifest_layers__limit_and_one_beyond(void **state)
{
	struct writer bytes = wr_init(4 << 20);

	(void)state;
	for (int more = 0; more < 2; more++) {
		bytes.size = 0;
		wr_printf(&bytes,
			  "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" CONFIG_TYPE
			  "\",\"digest\":\"" DIGEST "\",\"size\":1},\"layers\":[");
		for (int i = 0; i < LIMIT_OCI_LAYERS + more; i++)
			wr_printf(&bytes,
				  "%s{\"mediaType\":\"" LAYER_TYPE
				  "\",\"digest\":\"" DIGEST "\",\"size\":1}",
				  i ? "," : "");
		wr_printf(&bytes, "]}");
		assert_int_equal(parse_manifest(wr_view(&bytes), NULL),
				 more ? TOBI_E_LIMIT : TOBI_OK);
	}
	wr_done(&bytes);
}

static void test_json__duplicates_depth_and_size_refused(void **state)
{
	struct writer bytes = wr_init(8 << 20);

	(void)state;
	wr_printf(&bytes, "{\"schemaVersion\":2,\"schemaVersion\":2,\"manifests\":[]}");
	assert_int_equal(parse_index(wr_view(&bytes), NULL), TOBI_E_MALFORMED);
	bytes.size = 0;
	for (int i = 0; i < 100; i++)
		wr_u8(&bytes, '[');
	assert_int_equal(parse_index(wr_view(&bytes), NULL), TOBI_E_LIMIT);
	bytes.size = 0;
	assert_non_null(wr_reserve(&bytes, LIMIT_OCI_JSON + 1));
	assert_int_equal(parse_index(wr_view(&bytes), NULL), TOBI_E_LIMIT);
	wr_done(&bytes);
}

static enum tobi_err docker(const char *document, const char *ref,
			    struct oci_manifest *ret_manifest, struct tobi_fault *fault)
{
	struct writer bytes = json(document);
	enum tobi_err err = oci_docker_parse(wr_view(&bytes), ref, ret_manifest, fault);

	wr_done(&bytes);
	return err;
}

static const char two_images[] =
    "[{'Config':'" HEX ".json','RepoTags':['localhost/a:1','docker.io/library/a:2'],"
    "'Layers':['x/layer.tar','y.tar']},{'Config':'c.json','RepoTags':null,'Layers':[]}]";

static void test_docker__finds_the_image(void **state)
{
	static const char *const refs[] = {"localhost/a:1", "a:1", "a:2", "library/a:2",
					   DIGEST};
	static const char *const none[] = {"a", "a:3", "1", "ocalhost/a:1",
					   "sha256:" HEX "0"};
	struct oci_manifest manifest = {0};
	struct tobi_fault fault = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		assert_int_equal(docker(two_images, refs[i], &manifest, NULL), TOBI_OK);
		assert_string_equal(manifest.config.digest.text, DIGEST);
		assert_int_equal(manifest.count, 2);
		assert_string_equal(manifest.layers[0].name, "x/layer.tar");
		assert_false(manifest.layers[0].has_size);
		oci_manifest_done(&manifest);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(docker(two_images, none[i], &manifest, NULL),
				 TOBI_E_NOT_FOUND);
	assert_int_equal(docker(two_images, NULL, &manifest, &fault), TOBI_E_ARGUMENT);
	assert_non_null(strstr(fault.message, "localhost/a:1, (no name)"));
	assert_int_equal(
	    docker("[{'Config':'c.json','Layers':null}]", NULL, &manifest, NULL),
	    TOBI_OK);
	/* No digest in the name: there is none to compare with. */
	assert_null(manifest.config.digest.method);
	oci_manifest_done(&manifest);
}

static enum tobi_err parse_docker(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	struct oci_manifest manifest = {0};
	enum tobi_err err = oci_docker_parse(bytes, NULL, &manifest, fault);

	oci_manifest_done(&manifest);
	return err;
}

static void test_docker__rules(void **state)
{
	static const struct wrong list[] = {
	    {"{}", TOBI_E_MALFORMED, ""},
	    {"[]", TOBI_E_NOT_FOUND, ""},
	    {"[7]", TOBI_E_MALFORMED, "[0].Config"},
	    {"[{'Layers':[]}]", TOBI_E_MALFORMED, "[0].Config"},
	    {"[{'Config':7}]", TOBI_E_MALFORMED, "[0].Config"},
	    {"[{'Config':''}]", TOBI_E_MALFORMED, "[0].Config"},
	    {"[{'Config':'/etc/passwd'}]", TOBI_E_MALFORMED, "[0].Config"},
	    {"[{'Config':'../c.json'}]", TOBI_E_MALFORMED, "[0].Config"},
	    {"[{'Config':'c','Layers':['a/../../b']}]", TOBI_E_MALFORMED, "[0].Layers"},
	    {"[{'Config':'c','Layers':['a/..']}]", TOBI_E_MALFORMED, "[0].Layers"},
	    {"[{'Config':'c','Layers':['a//b']}]", TOBI_E_MALFORMED, "[0].Layers"},
	    {"[{'Config':'c','Layers':['./a']}]", TOBI_E_MALFORMED, "[0].Layers"},
	    {"[{'Config':'c','Layers':['a/']}]", TOBI_E_MALFORMED, "[0].Layers"},
	    {"[{'Config':'c','Layers':[7]}]", TOBI_E_MALFORMED, "[0].Layers"},
	    {"[{'Config':'c','Layers':'x'}]", TOBI_E_MALFORMED, "[0].Layers"},
	    {"[{'Config':'c','RepoTags':[7]}]", TOBI_E_MALFORMED, "[0].RepoTags"},
	};

	(void)state;
	CHECK_WRONG(list, parse_docker);
	check_cuts("[{'Config':'c','Layers':['a','b']}]", parse_docker);
}

static enum tobi_err parse_config(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	struct oci_config config = {0};
	enum tobi_err err = oci_config_parse(bytes, &config, fault);

	oci_config_done(&config);
	return err;
}

#define ROOT "'rootfs':{'type':'layers','diff_ids':['" DIGEST "']}"
#define CONFIG(rest) "{'os':'linux','architecture':'amd64'," ROOT rest "}"

static void test_config__rules(void **state)
{
	static const struct wrong list[] = {
	    {"{}", TOBI_E_MALFORMED, "os"},
	    {"{'os':'linux'}", TOBI_E_MALFORMED, "architecture"},
	    {"{'os':'linux','architecture':7}", TOBI_E_MALFORMED, "architecture"},
	    {"{'os':'linux','architecture':'amd64'}", TOBI_E_MALFORMED, "rootfs"},
	    {"{'os':'linux','architecture':'amd64','rootfs':{}}", TOBI_E_MALFORMED,
	     "rootfs.type"},
	    {"{'os':'linux','architecture':'amd64','rootfs':{'type':'other'}}",
	     TOBI_E_UNSUPPORTED, "rootfs.type"},
	    {"{'os':'linux','architecture':'amd64','rootfs':{'type':'layers'}}",
	     TOBI_E_MALFORMED, "rootfs.diff_ids"},
	    {"{'os':'linux','architecture':'amd64','rootfs':{'type':'layers',"
	     "'diff_ids':['" DIGEST "','x']}}",
	     TOBI_E_MALFORMED, "rootfs.diff_ids[1]"},
	    {"{'os':'linux','architecture':'amd64','rootfs':{'type':'layers',"
	     "'diff_ids':[7]}}",
	     TOBI_E_MALFORMED, "rootfs.diff_ids[0]"},
	    {CONFIG(",'config':7"), TOBI_E_MALFORMED, "config"},
	    {CONFIG(",'config':{'Entrypoint':'x'}"), TOBI_E_MALFORMED,
	     "config.Entrypoint"},
	    {CONFIG(",'config':{'Cmd':[7]}"), TOBI_E_MALFORMED, "config.Cmd"},
	    {CONFIG(",'config':{'Env':{}}"), TOBI_E_MALFORMED, "config.Env"},
	    {CONFIG(",'config':{'ExposedPorts':[]}"), TOBI_E_MALFORMED,
	     "config.ExposedPorts"},
	    {CONFIG(",'config':{'Volumes':'x'}"), TOBI_E_MALFORMED, "config.Volumes"},
	    {CONFIG(",'config':{'User':7}"), TOBI_E_MALFORMED, "config.User"},
	    {CONFIG(",'config':{'WorkingDir':[]}"), TOBI_E_MALFORMED,
	     "config.WorkingDir"},
	    {CONFIG(",'config':{'StopSignal':9}"), TOBI_E_MALFORMED, "config.StopSignal"},
	};
	struct writer bytes =
	    json(CONFIG(",'config':{'Entrypoint':null,'Cmd':['a','b'],'Env':['A=1'],"
			"'ExposedPorts':{'80/tcp':{}},'User':'x','WorkingDir':'/w'}"));
	struct oci_config config = {0};

	(void)state;
	assert_int_equal(oci_config_parse(wr_view(&bytes), &config, NULL), TOBI_OK);
	assert_null(config.entrypoint);
	assert_int_equal(json_array_size(config.command), 2);
	assert_int_equal(config.diff_id_count, 1);
	assert_string_equal(config.user, "x");
	assert_null(config.volumes);
	oci_config_done(&config);
	wr_done(&bytes);
	CHECK_WRONG(list, parse_config);
	check_cuts(CONFIG(""), parse_config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_index__rules),
	    cmocka_unit_test(test_index_entries__limit_and_one_beyond),
	    cmocka_unit_test(test_manifest__rules),
	    cmocka_unit_test(test_manifest_layers__limit_and_one_beyond),
	    cmocka_unit_test(test_json__duplicates_depth_and_size_refused),
	    cmocka_unit_test(test_docker__finds_the_image),
	    cmocka_unit_test(test_docker__rules),
	    cmocka_unit_test(test_config__rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
