/* manifest.json, as `docker save` and `podman save` write it: images by file name. */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "image/oci_json.h"

static const char object[] = "manifest.json";

/* A name in the archive: relative, below it. */
static enum tobi_err set_name(const char *text, const struct oci_place *place,
			      const char *field, struct oci_descriptor *out,
			      struct tobi_fault *fault)
{
	size_t size = strlen(text);

	*out = (struct oci_descriptor){.media_type = ""};
	if (size > LIMIT_PATH || !size || text[0] == '/')
		return oci_bad(place, field, TOBI_E_MALFORMED,
			       "it is not the name of a file in the archive", fault);
	for (const char *at = text; at; at = strchr(at, '/')) {
		at += at[0] == '/';
		if (at[0] == '/' || !at[0] || strncmp(at, "./", 2) == 0 ||
		    strncmp(at, "../", 3) == 0 || strcmp(at, "..") == 0 ||
		    strcmp(at, ".") == 0)
			return oci_bad(place, field, TOBI_E_MALFORMED,
				       "it is not the name of a file in the archive",
				       fault);
	}
	snprintf(out->name, sizeof(out->name), "%s", text);
	return TOBI_OK;
}

/* HEX.json, or blobs/sha256/HEX: the name is the digest. */
static void take_digest(struct oci_descriptor *config)
{
	const char *base = strrchr(config->name, '/');
	char text[OCI_DIGEST_TEXT];
	struct oci_digest digest;

	base = base ? base + 1 : config->name;
	snprintf(text, sizeof(text), "sha256:%.*s", (int)strcspn(base, "."), base);
	if (oci_digest_parse(text, &digest))
		config->digest = digest;
}

static enum tobi_err read_image(const json_t *json, const struct oci_place *place,
				struct oci_manifest *out, struct tobi_fault *fault)
{
	const char *config = NULL;
	const json_t *layers = NULL;
	enum tobi_err err = oci_needed_text(json, "Config", place, &config, fault);

	if (!err)
		err = set_name(config, place, "Config", &out->config, fault);
	if (!err)
		err = oci_texts(json, "Layers", place, &layers, fault);
	if (err)
		return err;
	if (json_array_size(layers) > LIMIT_OCI_LAYERS)
		return oci_bad(place, "Layers", TOBI_E_LIMIT, "it has too many entries",
			       fault);
	take_digest(&out->config);
	out->layers = calloc(json_array_size(layers) + 1, sizeof(*out->layers));
	if (!out->layers)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	for (size_t i = 0; !err && i < json_array_size(layers); i++) {
		err = set_name(json_string_value(json_array_get(layers, i)), place,
			       "Layers", &out->layers[i], fault);
		out->count = i + 1;
	}
	return err;
}

static enum tobi_err is_meant(const json_t *json, const struct oci_place *place,
			      const char *ref, bool *ret_meant, struct tobi_fault *fault)
{
	const char *config = NULL;
	const json_t *tags = NULL;
	enum tobi_err err = oci_texts(json, "RepoTags", place, &tags, fault);

	if (!err)
		err = oci_text(json, "Config", place, &config, fault);
	if (err)
		return err;
	*ret_meant = !ref;
	for (size_t i = 0; ref && i < json_array_size(tags); i++)
		*ret_meant |=
		    oci_name_matches(json_string_value(json_array_get(tags, i)), ref);
	/* Its id is the digest of the configuration, which the name is. */
	if (ref && config && strncmp(ref, "sha256:", 7) == 0 && strlen(ref) == 71 &&
	    strstr(config, ref + 7))
		*ret_meant = true;
	return TOBI_OK;
}

static enum tobi_err not_one(const json_t *list, size_t found, const char *ref,
			     struct tobi_fault *fault)
{
	char names[192] = "";
	size_t used = 0;

	for (size_t i = 0; i < json_array_size(list) && used < sizeof(names); i++) {
		const json_t *tags = json_object_get(json_array_get(list, i), "RepoTags");
		const char *tag = json_string_value(json_array_get(tags, 0));

		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.64s",
					 used ? ", " : "", tag ? tag : "(no name)");
	}
	if (!json_array_size(list))
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				 "there is no image in it");
	return fault_set(fault, found ? TOBI_E_ARGUMENT : TOBI_E_NOT_FOUND, object, "",
			 "%s%s in it; choose with --ref from: %s",
			 found ? "there is more than one image" : "there is no image ",
			 found ? "" : ref, names);
}

enum tobi_err oci_docker_parse(struct tobi_bytes bytes, const char *ref,
			       struct oci_manifest *ret_manifest,
			       struct tobi_fault *fault)
{
	struct oci_place place = {object, ""};
	struct oci_manifest out = {0};
	size_t found = 0, chosen = 0;
	enum tobi_err err = json_parse(bytes, LIMIT_OCI_JSON, object, &out.json, fault);

	if (!err && (!json_is_array(out.json) ||
		     json_array_size(out.json) > LIMIT_OCI_DESCRIPTORS))
		err = fault_set(fault, TOBI_E_MALFORMED, object, "",
				"it should be a list of images");
	for (size_t i = 0; !err && i < json_array_size(out.json); i++) {
		bool meant = false;

		snprintf(place.prefix, sizeof(place.prefix), "[%zu].", i);
		err = is_meant(json_array_get(out.json, i), &place, ref, &meant, fault);
		chosen = meant ? i : chosen;
		found += meant;
	}
	if (!err && found != 1)
		err = not_one(out.json, found, ref, fault);
	snprintf(place.prefix, sizeof(place.prefix), "[%zu].", chosen);
	if (!err)
		err = read_image(json_array_get(out.json, chosen), &place, &out, fault);
	if (err)
		oci_manifest_done(&out);
	else
		*ret_manifest = out;
	return err;
}
