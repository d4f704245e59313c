#include "tests/vectors/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/der.h"
#include "codec/json.h"
#include "tests/bytes.h"

const json_t *stage_expected(const struct stage *stage, const char *path)
{
	const json_t *at = stage->expected;
	char name[LIMIT_NAME];

	while (at && *path) {
		size_t size = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)size, path);
		at = json_object_get(at, name);
		path += size + (path[size] == '.');
	}
	return at;
}

static void find_expected(struct stage *stage)
{
	char path[LIMIT_PATH];
	const char *end = strrchr(stage->row->path, '/');
	struct tobi_fault fault = {0};

	snprintf(path, sizeof(path), "%.*s/expected.json", (int)(end - stage->row->path),
		 stage->row->path);
	for (size_t i = 0; i < stage->vectors->count; i++) {
		struct vector_row *row = &stage->vectors->rows[i];

		if (strcmp(row->path, path) != 0)
			continue;
		if (json_parse(vectors_bytes(stage->vectors, row), LIMIT_JSON,
			       "expected.json", &stage->expected, &fault))
			fail_msg("%s: %s", path, fault.message);
		row->use = "compared with what evidence says";
	}
}

/* Beside evidence lies what it needs; more evidence is another row's. */
static bool is_needed(const struct stage *stage, const struct vector_row *row)
{
	const struct vector_case *other;

	if (!vectors_beside(row, stage->row) || row == stage->row)
		return false;
	if (vector_unused_find(row->path))
		return false;
	for (size_t i = 0; (other = vector_case_at(i)); i++) {
		if ((other->instead && strcmp(other->instead, row->path) == 0) ||
		    (other->anchors && strcmp(other->anchors, row->path) == 0) ||
		    (other->key && strcmp(other->key, row->path) == 0))
			return false; /* that case's only */
		if (strcmp(other->path, row->path) == 0)
			return false; /* evidence itself */
	}
	return strcmp(row->kind, "expected") != 0;
}

/* Of these kinds, what lies beside the evidence is a part of it; of NVIDIA's, the chain
 * is, and reference values in place of the right ones. */
static bool may_be_collateral(const struct stage *stage, struct tobi_bytes bytes)
{
	const char *tier = stage->what->tier;

	if (strcmp(tier, "sgx-epid") == 0 || strcmp(tier, "sev") == 0)
		return false;
	return strcmp(tier, "nvidia-gpu") != 0 ||
	       (bytes.size && bytes.ptr[0] == DER_SEQUENCE) ||
	       (bytes.size && bytes.ptr[0] == '<' && !stage->what->instead);
}

bool stage_add(struct stage *stage, struct tobi_bytes bytes, const char *name)
{
	struct tobi_fault fault = {0};

	if (may_be_collateral(stage, bytes) &&
	    !tobi_collateral_add(stage->collateral, bytes, name, &fault))
		return true;
	assert_true(stage->piece_count < STAGE_PIECES);
	stage->pieces[stage->piece_count++] = bytes;
	return false;
}

static void add(struct stage *stage, struct vector_row *row)
{
	bool collateral = stage_add(stage, vectors_bytes(stage->vectors, row), row->path);

	assert_true(stage->beside_count < STAGE_BESIDE);
	stage->beside[stage->beside_count++] = row;
	if (!row->use)
		row->use =
		    collateral ? "collateral of evidence" : "a piece beside evidence";
}

void stage_select(const struct stage *stage,
		  bool (*wanted)(const struct vector_row *row, const void *context),
		  const void *context, struct stage *ret_stage)
{
	*ret_stage = *stage;
	ret_stage->collateral = tobi_collateral_new();
	assert_non_null(ret_stage->collateral);
	ret_stage->piece_count = 0;
	ret_stage->beside_count = 0;
	for (size_t i = 0; i < stage->beside_count; i++) {
		if (wanted(stage->beside[i], context))
			add(ret_stage, stage->beside[i]);
	}
}

static bool is_left_out(const struct vector_case *what, const struct vector_row *row)
{
	for (size_t i = 0; i < CASE_WITHOUT && what->without[i]; i++) {
		if (strcmp(what->without[i], row->path) == 0)
			return true;
	}
	return false;
}

static void add_all(struct stage *stage)
{
	const struct vector_case *what = stage->what;

	for (size_t i = 0; i < stage->vectors->count; i++) {
		struct vector_row *row = &stage->vectors->rows[i];

		if (is_needed(stage, row) && !is_left_out(what, row))
			add(stage, row);
	}
	if (what->instead) {
		stage->said = vectors_find(stage->vectors, what->instead);
		add(stage, stage->said);
		stage->said->use = "in place of what belongs beside evidence";
	}
	if (what->anchors) {
		stage->said = vectors_find(stage->vectors, what->anchors);
		stage->anchors = vectors_bytes(stage->vectors, stage->said);
		stage->said->use = "the root that a policy names";
	}
	if (what->key) {
		struct vector_row *key = vectors_find(stage->vectors, what->key);

		stage->anchors = vectors_bytes(stage->vectors, key);
		key->use = "the public key that a policy names";
	}
	for (size_t i = 0; i < CASE_FILES && what->also[i]; i++)
		add(stage, vectors_find(stage->vectors, what->also[i]));
}

static void find_image(struct stage *stage)
{
	const char *image = stage->what->image;
	const json_t *member = image && *image ? stage_expected(stage, image) : NULL;

	if (member)
		image = json_string_value(member);
	snprintf(stage->image, sizeof(stage->image), "%s",
		 image ? image : STAGE_NO_IMAGE);
}

static void find_nonce(struct stage *stage)
{
	static const char *const names[] = {"report_data", "rd", "nonce", "realm.10",
					    "nonce_extra_data"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !stage->nonce_size;
	     i++) {
		const char *hex = json_string_value(stage_expected(stage, names[i]));
		size_t size = hex ? strlen(hex) / 2 : 0;

		if (size >= 8 && size <= sizeof(stage->nonce) &&
		    hex_read(hex, stage->nonce, size))
			stage->nonce_size = size;
	}
}

void stage_make(struct stage *stage, struct vectors *vectors,
		const struct vector_case *what)
{
	*stage = (struct stage){.vectors = vectors,
				.what = what,
				.row = vectors_find(vectors, what->path),
				.collateral = tobi_collateral_new()};
	assert_non_null(stage->collateral);
	stage->said = stage->row;
	stage->time = what->at ? vectors_time(what->at) : stage->row->time;
	stage->evidence = vectors_bytes(vectors, stage->row);
	assert_true(what->offset + what->cut < stage->evidence.size);
	stage->evidence.ptr += what->offset;
	stage->evidence.size -= what->offset + what->cut;
	find_expected(stage);
	add_all(stage);
	find_image(stage);
	find_nonce(stage);
	stage->secret_size = what->secret ? strlen(what->secret) / 2 : 0;
	if (what->secret)
		assert_true(hex_read(what->secret, stage->secret, stage->secret_size));
}

void stage_done(struct stage *stage)
{
	tobi_collateral_free(stage->collateral);
	json_decref(stage->expected);
}

/* As a list of YAML. */
static void list_advisories(const struct stage *stage, char *out, size_t room)
{
	const json_t *list = stage_expected(stage, "collateral.tcb.adv"), *member;
	size_t used = 0, index;

	out[0] = 0;
	json_array_foreach(list, index, member)
	{
		used += (size_t)snprintf(out + used, room - used, "%s%s",
					 used ? ", " : "", json_string_value(member));
		assert_true(used < room);
	}
}

/* A public key in DER, as PEM. */
static void write_key(struct tobi_bytes der, struct writer *yaml)
{
	struct writer text = wr_init(LIMIT_PEM);

	base64_write(&text, der);
	wr_printf(yaml, "      -----BEGIN PUBLIC KEY-----\n");
	for (size_t at = 0; at < text.size; at += 64)
		wr_printf(yaml, "      %.*s\n",
			  (int)(text.size - at < 64 ? text.size - at : 64),
			  (const char *)text.ptr + at);
	wr_printf(yaml, "      -----END PUBLIC KEY-----\n");
	wr_done(&text);
}

static void write_anchors(const struct stage *stage, struct writer *yaml)
{
	bool at_start = true;

	if (stage->anchors.size)
		wr_printf(yaml, "roots:\n  - tier: %s\n    anchors: |\n",
			  stage->what->tier);
	if (stage->anchors.size && stage->anchors.ptr[0] == DER_SEQUENCE) {
		write_key(stage->anchors, yaml);
		return;
	}
	for (size_t i = 0; i < stage->anchors.size; i++) {
		uint8_t c = stage->anchors.ptr[i];

		if (at_start && c != '\n')
			wr_printf(yaml, "      ");
		if (c != '\r')
			wr_u8(yaml, c);
		at_start = c == '\n';
	}
}

struct tobi_policy *stage_policy(const struct stage *stage, const char *image,
				 const char *takes)
{
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};
	const char *place = strstr(takes, CASE_ADVISORIES);
	struct writer yaml = wr_init(LIMIT_POLICY);
	char advisories[1024] = "";

	if (place)
		list_advisories(stage, advisories, sizeof(advisories));
	wr_printf(&yaml, "version: 1\ntiers: [%s]\nidentity:\n  mode: any-instance\n",
		  stage->what->tier);
	if (*image)
		wr_printf(&yaml, "images: [%s]\n", image);
	wr_printf(&yaml, "%.*s%s%s", place ? (int)(place - takes) : (int)strlen(takes),
		  takes, advisories, place ? place + strlen(CASE_ADVISORIES) : "");
	write_anchors(stage, &yaml);
	assert_int_equal(wr_err(&yaml), 0);
	if (tobi_policy_parse(wr_view(&yaml), stage->row->path, &policy, &fault))
		print_message("%s: %s: %s\n%.*s", stage->row->path, fault.field,
			      fault.message, (int)yaml.size, yaml.ptr);
	wr_done(&yaml);
	return policy;
}

struct tobi_result *stage_verify(const struct stage *stage,
				 const struct tobi_policy *policy,
				 struct tobi_bytes evidence, enum tobi_err *ret_err)
{
	struct block block = block_new(evidence);
	struct tobi_verify_request request = {
	    .evidence = block_view(block),
	    .nonce = {stage->nonce, stage->nonce_size},
	    .time = stage->time,
	    .collateral = stage->collateral,
	    .pieces = stage->pieces,
	    .piece_count = stage->piece_count,
	    .secret = {stage->secret, stage->secret_size}};
	struct tobi_result *result = NULL;

	*ret_err = tobi_verify(policy, &request, &result, NULL);
	block_done(block);
	return result;
}

void stage_reasons(const struct tobi_result *result, enum tobi_err err, char *ret_text,
		   size_t room)
{
	size_t used = 0;

	ret_text[0] = 0;
	if (err)
		snprintf(ret_text, room, "%s", tobi_err_name(err));
	for (size_t i = 0; i < tobi_result_check_count(result) && used < room; i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		if (line->outcome == TOBI_FAILED || line->outcome == TOBI_NOT_RUN)
			used += (size_t)snprintf(
			    ret_text + used, room - used, "%s%s%s", used ? " " : "",
			    line->code, line->outcome == TOBI_NOT_RUN ? "?" : "");
	}
}
