#include "image/oci_json.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"

enum tobi_err oci_bad(const struct oci_place *place, const char *name, enum tobi_err err,
		      const char *why, struct tobi_fault *fault)
{
	char field[64];

	snprintf(field, sizeof(field), "%s%s", place->prefix, name);
	return fault_set(fault, err, place->object, field, "%s", why);
}

static enum tobi_err wrong_type(const struct oci_place *place, const char *name,
				const char *expected, struct tobi_fault *fault)
{
	char why[64];

	snprintf(why, sizeof(why), "it should be %s", expected);
	return oci_bad(place, name, TOBI_E_MALFORMED, why, fault);
}

static const json_t *member(const json_t *json, const char *name)
{
	const json_t *found = json_object_get(json, name);

	return json_is_null(found) ? NULL : found;
}

enum tobi_err oci_text(const json_t *json, const char *name,
		       const struct oci_place *place, const char **ret_text,
		       struct tobi_fault *fault)
{
	const json_t *found = member(json, name);

	if (found && !json_is_string(found))
		return wrong_type(place, name, "a text", fault);
	*ret_text = json_string_value(found);
	return TOBI_OK;
}

enum tobi_err oci_needed_text(const json_t *json, const char *name,
			      const struct oci_place *place, const char **ret_text,
			      struct tobi_fault *fault)
{
	const char *text = NULL;
	enum tobi_err err = oci_text(json, name, place, &text, fault);

	if (!err && !text)
		err = oci_bad(place, name, TOBI_E_MALFORMED, "it is missing", fault);
	if (!err)
		*ret_text = text;
	return err;
}

enum tobi_err oci_texts(const json_t *json, const char *name,
			const struct oci_place *place, const json_t **ret_list,
			struct tobi_fault *fault)
{
	const json_t *list = member(json, name);
	size_t count = json_array_size(list);

	if (list && !json_is_array(list))
		return wrong_type(place, name, "a list of texts", fault);
	for (size_t i = 0; i < count; i++) {
		if (!json_is_string(json_array_get(list, i)))
			return wrong_type(place, name, "a list of texts", fault);
	}
	*ret_list = list;
	return TOBI_OK;
}

enum tobi_err oci_object(const json_t *json, const char *name,
			 const struct oci_place *place, const json_t **ret_object,
			 struct tobi_fault *fault)
{
	const json_t *found = member(json, name);

	if (found && !json_is_object(found))
		return wrong_type(place, name, "an object", fault);
	*ret_object = found;
	return TOBI_OK;
}

enum tobi_err oci_list(const json_t *json, const char *name, size_t max,
		       const struct oci_place *place, const json_t **ret_list,
		       struct tobi_fault *fault)
{
	const json_t *list = member(json, name);

	if (!list)
		return oci_bad(place, name, TOBI_E_MALFORMED, "it is missing", fault);
	if (!json_is_array(list))
		return wrong_type(place, name, "a list", fault);
	if (json_array_size(list) > max)
		return oci_bad(place, name, TOBI_E_LIMIT, "it has too many entries",
			       fault);
	*ret_list = list;
	return TOBI_OK;
}

/* Where the bytes come from, other than from this source. */
static enum tobi_err check_source(const json_t *json, const struct oci_place *place,
				  const char *media_type, struct tobi_fault *fault)
{
	const json_t *urls = NULL;
	enum tobi_err err = oci_texts(json, "urls", place, &urls, fault);

	if (err)
		return err;
	if (json_array_size(urls))
		return oci_bad(place, "urls", TOBI_E_UNSUPPORTED,
			       "a foreign layer is not fetched from elsewhere", fault);
	if (strstr(media_type, "foreign") || strstr(media_type, "nondistributable"))
		return oci_bad(place, "mediaType", TOBI_E_UNSUPPORTED,
			       "a foreign layer is not fetched from elsewhere", fault);
	if (strstr(media_type, "+encrypted"))
		return oci_bad(place, "mediaType", TOBI_E_UNSUPPORTED,
			       "it is encrypted; decrypt the image first (skopeo copy "
			       "--decryption-key)",
			       fault);
	return TOBI_OK;
}

enum tobi_err oci_descriptor(const json_t *json, const struct oci_place *place,
			     struct oci_descriptor *ret_descriptor,
			     struct tobi_fault *fault)
{
	struct oci_descriptor out = {.media_type = "", .has_size = true};
	const char *digest = NULL;
	const json_t *size;
	enum tobi_err err;

	if (!json_is_object(json))
		return wrong_type(place, "", "an object", fault);
	err = oci_needed_text(json, "mediaType", place, &out.media_type, fault);
	if (!err)
		err = oci_needed_text(json, "digest", place, &digest, fault);
	if (err)
		return err;
	if (!oci_digest_parse(digest, &out.digest))
		return oci_bad(place, "digest", TOBI_E_MALFORMED,
			       "only sha256: and sha512: with their digits are known",
			       fault);
	size = json_object_get(json, "size");
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return wrong_type(place, "size", "a number of bytes", fault);
	out.size = (uint64_t)json_integer_value(size);
	err = check_source(json, place, out.media_type, fault);
	if (err)
		return err;
	snprintf(out.name, sizeof(out.name), "blobs/%.6s/%s", digest, digest + 7);
	*ret_descriptor = out;
	return TOBI_OK;
}
