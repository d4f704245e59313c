/*
 * The JSON documents of container images: index, manifest and configuration of OCI Image
 * Format 1.1, the same of Docker (schema 2), and manifest.json of `docker save`. Each is
 * parsed from bytes alone. What is borrowed is so from `json`, which the *_done()
 * function frees. For this room only.
 */
#ifndef TOBI_IMAGE_OCI_DOCUMENT_H
#define TOBI_IMAGE_OCI_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/limits.h"
#include "image/oci_digest.h"

/* A file of the source, and what it must be. */
struct oci_descriptor {
	char name[LIMIT_PATH + 1]; /* in the source: "blobs/sha256/..." */
	const char *media_type;	   /* "" when it is not said */
	struct oci_digest digest;  /* without method: not known */
	bool has_size;
	uint64_t size;
};

struct oci_platform {
	const char *os, *architecture, *variant; /* "" when it is not said */
};

/* One of an index. */
struct oci_choice {
	struct oci_descriptor descriptor;
	struct oci_platform platform;
	const char *ref, *full_name; /* annotations; "" */
	bool is_index;
};

struct oci_index {
	json_t *json;
	struct oci_choice *choices;
	size_t count;
};
TOBI_MUST_USE enum tobi_err oci_index_parse(struct tobi_bytes bytes, const char *object,
					    struct oci_index *ret_index,
					    struct tobi_fault *fault);
void oci_index_done(struct oci_index *index);

struct oci_manifest {
	json_t *json;
	struct oci_descriptor config;
	struct oci_descriptor *layers; /* lowest first */
	size_t count;
};
TOBI_MUST_USE enum tobi_err oci_manifest_parse(struct tobi_bytes bytes,
					       const char *object,
					       struct oci_manifest *ret_manifest,
					       struct tobi_fault *fault);
void oci_manifest_done(struct oci_manifest *manifest);

/* One image of manifest.json: found by ref (a tag, or the configuration's digest), or,
 * when that is NULL, the only one. */
TOBI_MUST_USE enum tobi_err oci_docker_parse(struct tobi_bytes bytes, const char *ref,
					     struct oci_manifest *ret_manifest,
					     struct tobi_fault *fault);

/* Lists end with their counts; NULL texts were not said. */
struct oci_config {
	json_t *json;
	struct oci_platform platform;
	struct oci_digest *diff_ids; /* of the unpacked layers */
	size_t diff_id_count;
	const json_t *entrypoint, *command; /* arrays of texts, or NULL */
	const json_t *environment;	    /* the same */
	const json_t *ports, *volumes;	    /* objects, or NULL */
	const char *user, *directory, *stop_signal;
};
TOBI_MUST_USE enum tobi_err oci_config_parse(struct tobi_bytes bytes,
					     struct oci_config *ret_config,
					     struct tobi_fault *fault);
void oci_config_done(struct oci_config *config);

/* "nginx:1.2" means docker.io/library/nginx:1.2, too. */
bool oci_name_matches(const char *full_name, const char *ref);

#endif
