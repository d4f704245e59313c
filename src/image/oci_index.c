#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "image/oci_json.h"

static enum tobi_err check_version(const json_t *json, const struct oci_place *place,
				   struct tobi_fault *fault)
{
	const json_t *version = json_object_get(json, "schemaVersion");

	if (json_is_integer(version) && json_integer_value(version) == 2)
		return TOBI_OK;
	return oci_bad(place, "schemaVersion", TOBI_E_UNSUPPORTED, "only 2 is known",
		       fault);
}

static enum tobi_err read_platform(const json_t *json, const struct oci_place *place,
				   struct oci_platform *out, struct tobi_fault *fault)
{
	const json_t *platform = NULL;
	const char *texts[3] = {NULL, NULL, NULL};
	enum tobi_err err = oci_object(json, "platform", place, &platform, fault);

	if (!err && platform)
		err = oci_text(platform, "os", place, &texts[0], fault);
	if (!err && platform)
		err = oci_text(platform, "architecture", place, &texts[1], fault);
	if (!err && platform)
		err = oci_text(platform, "variant", place, &texts[2], fault);
	if (err)
		return err;
	*out = (struct oci_platform){texts[0] ? texts[0] : "", texts[1] ? texts[1] : "",
				     texts[2] ? texts[2] : ""};
	return TOBI_OK;
}

static bool is_index_type(const char *media_type)
{
	return strcmp(media_type, "application/vnd.oci.image.index.v1+json") == 0 ||
	       strcmp(media_type,
		      "application/vnd.docker.distribution.manifest.list.v2+json") == 0;
}

static enum tobi_err read_choice(const json_t *json, const struct oci_place *place,
				 struct oci_choice *out, struct tobi_fault *fault)
{
	const json_t *annotations = NULL;
	const char *ref = NULL, *full = NULL;
	enum tobi_err err = oci_descriptor(json, place, &out->descriptor, fault);

	if (!err)
		err = read_platform(json, place, &out->platform, fault);
	if (!err)
		err = oci_object(json, "annotations", place, &annotations, fault);
	if (!err && annotations)
		err = oci_text(annotations, "org.opencontainers.image.ref.name", place,
			       &ref, fault);
	if (!err && annotations)
		err = oci_text(annotations, "io.containerd.image.name", place, &full,
			       fault);
	if (err)
		return err;
	out->ref = ref ? ref : "";
	out->full_name = full ? full : "";
	out->is_index = is_index_type(out->descriptor.media_type);
	return TOBI_OK;
}

enum tobi_err oci_index_parse(struct tobi_bytes bytes, const char *object,
			      struct oci_index *ret_index, struct tobi_fault *fault)
{
	struct oci_place place = {object, ""};
	struct oci_index index = {0};
	const json_t *list = NULL;
	enum tobi_err err = json_parse(bytes, LIMIT_OCI_JSON, object, &index.json, fault);

	if (!err)
		err = check_version(index.json, &place, fault);
	if (!err)
		err = oci_list(index.json, "manifests", LIMIT_OCI_DESCRIPTORS, &place,
			       &list, fault);
	if (!err) {
		index.choices = calloc(json_array_size(list) + 1, sizeof(*index.choices));
		if (!index.choices)
			err =
			    fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	}
	for (size_t i = 0; !err && i < json_array_size(list); i++) {
		snprintf(place.prefix, sizeof(place.prefix), "manifests[%zu].", i);
		err = read_choice(json_array_get(list, i), &place, &index.choices[i],
				  fault);
		index.count = i + 1;
	}
	if (err) {
		oci_index_done(&index);
		return err;
	}
	*ret_index = index;
	return TOBI_OK;
}

void oci_index_done(struct oci_index *index)
{
	free(index->choices);
	json_decref(index->json);
	*index = (struct oci_index){0};
}
