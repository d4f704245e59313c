/* Which of the images in a source is meant. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "image/oci_blob.h"
#include "image/oci_json.h"
#include "image/oci_tools.h"

static const char object[] = "container image";

const char *oci_architecture(const char *architecture)
{
	return strcmp(architecture, "x86_64") == 0    ? "amd64"
	       : strcmp(architecture, "aarch64") == 0 ? "arm64"
						      : architecture;
}

bool oci_platform_fits(const struct oci_platform *platform, const char *architecture)
{
	if (!platform->os[0] && !platform->architecture[0])
		return true;
	if (strcmp(platform->os, "linux") != 0 ||
	    strcmp(platform->architecture, oci_architecture(architecture)) != 0)
		return false;
	/* A variant other than the first needs what not every machine has. */
	return !platform->variant[0] || strcmp(platform->variant, "v8") == 0 ||
	       strcmp(platform->variant, "v1") == 0;
}

/* An index to be looked into. */
struct level {
	struct oci_descriptor descriptor;
	int depth;
	bool chosen; /* what is in it is what ref names */
};

struct search {
	const char *ref, *architecture;
	struct level levels[LIMIT_OCI_DOCUMENTS];
	size_t level_count, done;
	struct oci_descriptor found;
	size_t found_count;
	bool other_platform; /* there is one, but for another machine */
	char names[192];
	size_t names_size;
};

static bool is_named(const struct search *search, const struct oci_choice *choice,
		     int depth)
{
	if (!search->ref || strcmp(choice->descriptor.digest.text, search->ref) == 0)
		return true;
	return depth == 0 && (strcmp(choice->ref, search->ref) == 0 ||
			      oci_name_matches(choice->ref, search->ref) ||
			      oci_name_matches(choice->full_name, search->ref));
}

static void remember_name(struct search *search, const struct oci_choice *choice)
{
	const char *name = choice->ref[0] ? choice->ref : choice->descriptor.digest.text;

	if (search->names_size < sizeof(search->names))
		search->names_size +=
		    (size_t)snprintf(search->names + search->names_size,
				     sizeof(search->names) - search->names_size,
				     "%s%.71s", search->names_size ? ", " : "", name);
}

static enum tobi_err take_choice(struct search *search, const struct oci_choice *choice,
				 int depth, bool chosen, struct tobi_fault *fault)
{
	bool digest = search->ref && strchr(search->ref, ':') &&
		      strncmp(search->ref, "sha", 3) == 0;

	chosen = chosen || is_named(search, choice, depth);
	if (depth == 0)
		remember_name(search, choice);
	if (choice->is_index) {
		/* By digest, it may be in any of them. */
		if (!chosen && !digest)
			return TOBI_OK;
		if (depth + 1 == LIMIT_OCI_INDEX_DEPTH ||
		    search->level_count == LIMIT_OCI_DOCUMENTS)
			return fault_set(fault, TOBI_E_LIMIT, object, "index",
					 "there are too many, or too deep in each other");
		search->levels[search->level_count++] =
		    (struct level){choice->descriptor, depth + 1, chosen};
		return TOBI_OK;
	}
	if (!chosen)
		return TOBI_OK;
	if (!oci_platform_fits(&choice->platform, search->architecture)) {
		search->other_platform |=
		    choice->platform.os[0] && strcmp(choice->platform.os, "unknown") != 0;
		return TOBI_OK;
	}
	/* Two names of one image are one. */
	if (search->found_count &&
	    oci_digest_equal(&search->found.digest, &choice->descriptor.digest))
		return TOBI_OK;
	search->found = choice->descriptor;
	search->found_count++;
	return TOBI_OK;
}

static enum tobi_err look_into(struct search *search, const struct level *level,
			       const struct oci_source *source, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_OCI_JSON);
	CLEANUP(oci_index_done) struct oci_index index = {0};
	const char *name = level->depth ? "index" : "index.json";
	enum tobi_err err =
	    oci_blob_load(source, &level->descriptor, name, &bytes, fault);

	if (!err)
		err = oci_index_parse(wr_view(&bytes), name, &index, fault);
	for (size_t i = 0; !err && i < index.count; i++)
		err = take_choice(search, &index.choices[i], level->depth, level->chosen,
				  fault);
	/* What is kept does not borrow from the index. */
	search->found.media_type = "";
	for (size_t i = 0; i < search->level_count; i++)
		search->levels[i].descriptor.media_type = "";
	return err;
}

static enum tobi_err not_one(const struct search *search, struct tobi_fault *fault)
{
	if (search->found_count)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "there is more than one; choose with --ref from: %s",
				 search->names);
	if (search->other_platform)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				 "there is none for linux/%s in it; fetch it for this "
				 "machine, or name another one with --platform",
				 oci_architecture(search->architecture));
	if (search->ref && search->names_size)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				 "there is no %.80s in it; choose with --ref from: %s",
				 search->ref, search->names);
	return fault_set(fault, TOBI_E_NOT_FOUND, object, "", "there is none in it");
}

static enum tobi_err check_layout(const struct oci_source *source,
				  struct tobi_fault *fault)
{
	const struct oci_descriptor file = {.name = "oci-layout", .media_type = ""};
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_OCI_JSON);
	struct oci_place place = {"oci-layout", ""};
	const char *version = NULL;
	json_t *json = NULL;
	enum tobi_err err = oci_blob_load(source, &file, "oci-layout", &bytes, fault);

	if (!err)
		err = json_parse(wr_view(&bytes), LIMIT_JSON, "oci-layout", &json, fault);
	if (!err)
		err =
		    oci_needed_text(json, "imageLayoutVersion", &place, &version, fault);
	if (!err && strncmp(version, "1.", 2) != 0)
		err = oci_bad(&place, "imageLayoutVersion", TOBI_E_UNSUPPORTED,
			      "only 1 is known", fault);
	json_decref(json);
	return err;
}

static enum tobi_err select_in_layout(const struct oci_source *source,
				      struct search *search,
				      struct oci_manifest *ret_manifest,
				      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_OCI_JSON);
	enum tobi_err err = check_layout(source, fault);

	search->levels[search->level_count++] = (struct level){
	    {.name = "index.json", .media_type = ""}, 0, search->ref == NULL};
	while (!err && search->done < search->level_count) {
		struct level level = search->levels[search->done++];

		err = look_into(search, &level, source, fault);
	}
	if (!err && search->found_count != 1)
		err = not_one(search, fault);
	if (!err)
		err = oci_blob_load(source, &search->found, "manifest", &bytes, fault);
	return err ? err
		   : oci_manifest_parse(wr_view(&bytes), "manifest", ret_manifest, fault);
}

enum tobi_err oci_select(const struct oci_source *source, const char *ref,
			 const char *architecture, struct oci_manifest *ret_manifest,
			 struct tobi_fault *fault)
{
	const struct oci_descriptor file = {.name = "manifest.json", .media_type = ""};
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_OCI_JSON);
	CLEANUP(freep) struct search *search = calloc(1, sizeof(*search));
	enum tobi_err err;

	if (!search)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	search->ref = ref;
	search->architecture = architecture;
	if (oci_source_has(source, "oci-layout"))
		return select_in_layout(source, search, ret_manifest, fault);
	if (!oci_source_has(source, "manifest.json"))
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "there is neither oci-layout nor manifest.json in it: "
				 "give a layout, or what docker save or podman save "
				 "wrote");
	err = oci_blob_load(source, &file, "manifest.json", &bytes, fault);
	return err ? err : oci_docker_parse(wr_view(&bytes), ref, ret_manifest, fault);
}
