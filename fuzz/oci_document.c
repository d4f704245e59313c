/* The documents of container images, and the accounts in one. The first byte chooses. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "image/oci_tools.h"

/* A name that is read stays in the source. */
static void check_name(const char *name)
{
	size_t size = strlen(name);

	must(size > 0 && size <= LIMIT_PATH && name[0] != '/' && name[size - 1] != '/');
	must(!strstr(name, "/../") && strncmp(name, "../", 3) != 0);
}

static void check_manifest(struct oci_manifest *manifest)
{
	must(manifest->count <= LIMIT_OCI_LAYERS);
	check_name(manifest->config.name);
	for (size_t i = 0; i < manifest->count; i++)
		check_name(manifest->layers[i].name);
	oci_manifest_done(manifest);
}

static bool read_index(struct tobi_bytes input)
{
	struct oci_index index = {0};

	if (oci_index_parse(input, "index", &index, NULL))
		return false;
	must(index.count <= LIMIT_OCI_DESCRIPTORS);
	for (size_t i = 0; i < index.count; i++) {
		check_name(index.choices[i].descriptor.name);
		must(index.choices[i].descriptor.digest.method != NULL);
		(void)oci_platform_fits(&index.choices[i].platform, "x86_64");
		(void)oci_name_matches(index.choices[i].full_name, index.choices[i].ref);
	}
	oci_index_done(&index);
	return true;
}

static bool read_config(struct tobi_bytes input)
{
	struct oci_config config = {0};

	if (oci_config_parse(input, &config, NULL))
		return false;
	must(config.diff_id_count <= LIMIT_OCI_LAYERS);
	for (size_t i = 0; i < config.diff_id_count; i++)
		must(config.diff_ids[i].method != NULL);
	for (size_t i = 0; i < json_array_size(config.environment); i++)
		must(json_is_string(json_array_get(config.environment, i)));
	oci_config_done(&config);
	return true;
}

/* The user, a line end, and the file that serves as both. */
static bool read_accounts(struct tobi_bytes input)
{
	const uint8_t *end = input.size ? memchr(input.ptr, '\n', input.size) : NULL;
	size_t size = end ? (size_t)(end - input.ptr) : 0;
	struct tobi_bytes file = {input.ptr + size, input.size - size};
	struct oci_account account = {0};
	char user[256];

	if (size >= sizeof(user))
		return false;
	snprintf(user, sizeof(user), "%.*s", (int)size, (const char *)input.ptr);
	if (oci_find_account(user, file, file, &account, NULL))
		return false;
	must(account.uid <= UINT32_MAX && account.gid <= UINT32_MAX);
	must(strlen(account.home) <= LIMIT_PATH);
	return true;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct oci_manifest manifest = {0};

	switch (take_choice(&input) % 5) {
	case 0:
		return read_index(input);
	case 1:
		if (oci_manifest_parse(input, "manifest", &manifest, NULL))
			return false;
		break;
	case 2:
		if (oci_docker_parse(input, NULL, &manifest, NULL))
			return false;
		break;
	case 3:
		return read_config(input);
	default:
		return read_accounts(input);
	}
	check_manifest(&manifest);
	return true;
}

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BLOB "\"digest\":\"" DIGEST "\",\"size\":7"

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const seeds[] = {
	    "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/"
	    "vnd.oci.image.manifest.v1+json\"," BLOB ",\"platform\":{\"os\":\"linux\","
	    "\"architecture\":\"arm64\",\"variant\":\"v8\"},\"annotations\":{\"org."
	    "opencontainers.image.ref.name\":\"v1\"}}]}",
	    "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
	    "vnd.oci.image.config.v1+json\"," BLOB "},\"layers\":[{\"mediaType\":"
	    "\"application/vnd.oci.image.layer.v1.tar+gzip\"," BLOB ",\"urls\":[]}]}",
	    "[{\"Config\":\"blobs/sha256/x.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[\"x/"
	    "layer.tar\"]}]",
	    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":"
	    "\"layers\","
	    "\"diff_ids\":[\"" DIGEST "\"]},\"config\":{\"Entrypoint\":[\"a\"],\"Cmd\":"
	    "null,\"Env\":[\"A=1\"],\"ExposedPorts\":{\"80/tcp\":{}},\"User\":\"x\"}}",
	    "www:staff\nroot:x:0:0::/root:/bin/sh\nwww:x:33:44::/srv:/x\nstaff:x:50:a",
	};
	const unsigned count = sizeof(seeds) / sizeof(seeds[0]);

	if (number >= count)
		return FUZZ_NO_SEED;
	wr_u8(out, (uint8_t)number);
	wr_printf(out, "%s", seeds[number]);
	return FUZZ_GOOD;
}
