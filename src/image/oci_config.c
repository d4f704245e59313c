#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "image/oci_json.h"

static const char object[] = "image configuration";

static enum tobi_err read_platform(const json_t *json, const struct oci_place *place,
				   struct oci_platform *out, struct tobi_fault *fault)
{
	const char *variant = NULL;
	enum tobi_err err = oci_needed_text(json, "os", place, &out->os, fault);

	if (!err)
		err = oci_needed_text(json, "architecture", place, &out->architecture,
				      fault);
	if (!err)
		err = oci_text(json, "variant", place, &variant, fault);
	out->variant = variant ? variant : "";
	return err;
}

static enum tobi_err read_diff_ids(const json_t *json, struct oci_config *out,
				   struct tobi_fault *fault)
{
	struct oci_place place = {object, ""};
	const json_t *root = NULL, *list = NULL;
	const char *type = NULL;
	enum tobi_err err = oci_object(json, "rootfs", &place, &root, fault);

	if (!err && !root)
		err = oci_bad(&place, "rootfs", TOBI_E_MALFORMED, "it is missing", fault);
	snprintf(place.prefix, sizeof(place.prefix), "rootfs.");
	if (!err)
		err = oci_needed_text(root, "type", &place, &type, fault);
	if (!err && strcmp(type, "layers") != 0)
		err = oci_bad(&place, "type", TOBI_E_UNSUPPORTED, "only layers is known",
			      fault);
	if (!err)
		err = oci_list(root, "diff_ids", LIMIT_OCI_LAYERS, &place, &list, fault);
	if (err)
		return err;
	out->diff_ids = calloc(json_array_size(list) + 1, sizeof(*out->diff_ids));
	if (!out->diff_ids)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || !oci_digest_parse(text, &out->diff_ids[i])) {
			snprintf(place.prefix, sizeof(place.prefix),
				 "rootfs.diff_ids[%zu]", i);
			return oci_bad(&place, "", TOBI_E_MALFORMED,
				       "only sha256: and sha512: with their digits are "
				       "known",
				       fault);
		}
	}
	out->diff_id_count = json_array_size(list);
	return TOBI_OK;
}

/* What the program is started with. Labels, health checks, triggers are not for here. */
static enum tobi_err read_run(const json_t *json, struct oci_config *out,
			      struct tobi_fault *fault)
{
	struct oci_place place = {object, ""};
	const json_t *run = NULL;
	enum tobi_err err = oci_object(json, "config", &place, &run, fault);

	if (err || !run)
		return err;
	snprintf(place.prefix, sizeof(place.prefix), "config.");
	err = oci_texts(run, "Entrypoint", &place, &out->entrypoint, fault);
	if (!err)
		err = oci_texts(run, "Cmd", &place, &out->command, fault);
	if (!err)
		err = oci_texts(run, "Env", &place, &out->environment, fault);
	if (!err)
		err = oci_object(run, "ExposedPorts", &place, &out->ports, fault);
	if (!err)
		err = oci_object(run, "Volumes", &place, &out->volumes, fault);
	if (!err)
		err = oci_text(run, "User", &place, &out->user, fault);
	if (!err)
		err = oci_text(run, "WorkingDir", &place, &out->directory, fault);
	if (!err)
		err = oci_text(run, "StopSignal", &place, &out->stop_signal, fault);
	return err;
}

enum tobi_err oci_config_parse(struct tobi_bytes bytes, struct oci_config *ret_config,
			       struct tobi_fault *fault)
{
	struct oci_place place = {object, ""};
	struct oci_config out = {0};
	enum tobi_err err = json_parse(bytes, LIMIT_OCI_JSON, object, &out.json, fault);

	if (!err)
		err = read_platform(out.json, &place, &out.platform, fault);
	if (!err)
		err = read_diff_ids(out.json, &out, fault);
	if (!err)
		err = read_run(out.json, &out, fault);
	if (err)
		oci_config_done(&out);
	else
		*ret_config = out;
	return err;
}

void oci_config_done(struct oci_config *config)
{
	free(config->diff_ids);
	json_decref(config->json);
	*config = (struct oci_config){0};
}
