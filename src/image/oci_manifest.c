#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "image/oci_json.h"

static bool is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++) {
		if (strcmp(text, *list) == 0)
			return true;
	}
	return false;
}

static enum tobi_err check_manifest(const json_t *json, const struct oci_place *place,
				    struct tobi_fault *fault)
{
	static const char *const types[] = {
	    "application/vnd.oci.image.manifest.v1+json",
	    "application/vnd.docker.distribution.manifest.v2+json", NULL};
	const json_t *version = json_object_get(json, "schemaVersion");
	const char *type = NULL;
	enum tobi_err err = oci_text(json, "mediaType", place, &type, fault);

	if (err)
		return err;
	if (!json_is_integer(version) || json_integer_value(version) != 2)
		return oci_bad(place, "schemaVersion", TOBI_E_UNSUPPORTED,
			       "only 2 is known", fault);
	if (type && !is_one_of(type, types))
		return oci_bad(place, "mediaType", TOBI_E_UNSUPPORTED,
			       "it is not that of an image's manifest", fault);
	return TOBI_OK;
}

static enum tobi_err read_config(const json_t *json, struct oci_place *place,
				 struct oci_descriptor *out, struct tobi_fault *fault)
{
	static const char *const types[] = {
	    "application/vnd.oci.image.config.v1+json",
	    "application/vnd.docker.container.image.v1+json", NULL};
	enum tobi_err err;

	snprintf(place->prefix, sizeof(place->prefix), "config.");
	err = oci_descriptor(json_object_get(json, "config"), place, out, fault);
	if (!err && !is_one_of(out->media_type, types))
		err = oci_bad(place, "mediaType", TOBI_E_UNSUPPORTED,
			      "this is not an image of a program", fault);
	return err;
}

/* How a layer is compressed is seen from its bytes; this is whether it is one. */
static enum tobi_err read_layer(const json_t *json, const struct oci_place *place,
				struct oci_descriptor *out, struct tobi_fault *fault)
{
	static const char *const types[] = {
	    "application/vnd.oci.image.layer.v1.tar",
	    "application/vnd.oci.image.layer.v1.tar+gzip",
	    "application/vnd.oci.image.layer.v1.tar+zstd",
	    "application/vnd.docker.image.rootfs.diff.tar",
	    "application/vnd.docker.image.rootfs.diff.tar.gzip",
	    "application/vnd.docker.image.rootfs.diff.tar.zstd",
	    NULL};
	enum tobi_err err = oci_descriptor(json, place, out, fault);

	if (!err && !is_one_of(out->media_type, types))
		err = oci_bad(place, "mediaType", TOBI_E_UNSUPPORTED,
			      "a layer must be tar, or tar in gzip or zstd", fault);
	return err;
}

static enum tobi_err make_layers(const json_t *list, const char *object,
				 struct oci_manifest *out, struct tobi_fault *fault)
{
	out->layers = calloc(json_array_size(list) + 1, sizeof(*out->layers));
	return out->layers ? TOBI_OK
			   : fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
}

static enum tobi_err read_manifest(const char *object, struct oci_manifest *out,
				   struct tobi_fault *fault)
{
	struct oci_place place = {object, ""};
	const json_t *list = NULL;
	enum tobi_err err = check_manifest(out->json, &place, fault);

	if (!err)
		err = read_config(out->json, &place, &out->config, fault);
	place.prefix[0] = 0;
	if (!err)
		err =
		    oci_list(out->json, "layers", LIMIT_OCI_LAYERS, &place, &list, fault);
	if (!err)
		err = make_layers(list, object, out, fault);
	for (size_t i = 0; !err && i < json_array_size(list); i++) {
		snprintf(place.prefix, sizeof(place.prefix), "layers[%zu].", i);
		err = read_layer(json_array_get(list, i), &place, &out->layers[i], fault);
		out->count = i + 1;
	}
	return err;
}

enum tobi_err oci_manifest_parse(struct tobi_bytes bytes, const char *object,
				 struct oci_manifest *ret_manifest,
				 struct tobi_fault *fault)
{
	struct oci_manifest out = {0};
	enum tobi_err err = json_parse(bytes, LIMIT_OCI_JSON, object, &out.json, fault);

	if (!err)
		err = read_manifest(object, &out, fault);
	if (err)
		oci_manifest_done(&out);
	else
		*ret_manifest = out;
	return err;
}

void oci_manifest_done(struct oci_manifest *manifest)
{
	free(manifest->layers);
	json_decref(manifest->json);
	*manifest = (struct oci_manifest){0};
}

bool oci_name_matches(const char *full_name, const char *ref)
{
	size_t full = strlen(full_name), size = strlen(ref);

	if (!size || size > full || strcmp(full_name + full - size, ref) != 0)
		return false;
	return size == full || full_name[full - size - 1] == '/';
}
