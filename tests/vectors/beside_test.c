/*
 * What lies beside evidence from the field (collateral, certificates, lists, logs), cut
 * short and with a bit turned: never a crash, and what is needed is never taken so.
 *
 * A document is needed when the evidence is refused without it. Of another, which may be
 * there twice, a damaged one is as if it were not there, or refused.
 *
 * Usage: test-vectors-beside [START-OF-PATH]
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/der.h"
#include "tests/check.h"
#include "tests/vectors/stage.h"

/* Below it nobody takes a TPM's log for one. */
enum { LOG_HEADER = 48 };

/* Of the first evidence of a kind each place up to FIRST_WHOLE, and some beyond; of other
 * evidence some. Fewer where each takes long. */
#if defined(__SANITIZE_ADDRESS__)
enum { FIRST_WHOLE = 1, FIRST_STEP = 61, OTHER_STEP = 997 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { FIRST_WHOLE = 1, FIRST_STEP = 61, OTHER_STEP = 997 };
#else
enum { FIRST_WHOLE = 1 << 10, FIRST_STEP = 13, OTHER_STEP = 211 };
#endif
#else
enum { FIRST_WHOLE = 1 << 10, FIRST_STEP = 13, OTHER_STEP = 211 };
#endif

static struct vectors vectors;
static const char *only = "";

/* Evidence that is accepted, and one document that lies beside it. */
struct scene {
	const struct stage *stage;
	const struct tobi_policy *policy;
	struct vector_row *row;
	struct tobi_bytes whole;
	bool collateral;   /* else a piece */
	bool needed;	   /* the evidence is refused without it */
	struct stage rest; /* without it */
};

static bool is_accepted(const struct stage *stage, const struct tobi_policy *policy)
{
	enum tobi_err err;
	struct tobi_result *result = stage_verify(stage, policy, stage->evidence, &err);
	bool accepted = tobi_result_verdict(result) == TOBI_ACCEPT;

	assert_int_equal(result == NULL, err != TOBI_OK);
	tobi_result_free(result);
	return accepted;
}

/* A file that has all that the others have: it stands for them, or they for it. */
static bool is_combined(const struct vector_row *row)
{
	return strstr(row->path, "/collateral.orig.json") != NULL;
}

static bool is_of_rest(const struct vector_row *row, const void *context)
{
	const struct scene *scene = context;

	return !is_combined(row) && row != scene->row && !is_combined(scene->row);
}

/* Whether the evidence is accepted with these bytes in place of the document. The rest is
 * as before, unless it has taken them. */
static bool is_good(struct scene *scene, struct tobi_bytes bytes)
{
	bool accepted;

	scene->collateral = stage_add(&scene->rest, bytes, scene->row->path);
	accepted = is_accepted(&scene->rest, scene->policy);
	if (scene->collateral) {
		tobi_collateral_free(scene->rest.collateral);
		stage_select(scene->stage, is_of_rest, scene, &scene->rest);
	} else {
		scene->rest.piece_count--;
	}
	return accepted;
}

static bool is_log(const struct scene *scene)
{
	return strcmp(scene->row->kind, "eventlog") == 0;
}

static void scene_make(struct scene *scene, const struct stage *stage,
		       const struct tobi_policy *policy, struct vector_row *row)
{
	*scene = (struct scene){.stage = stage, .policy = policy, .row = row};
	scene->whole = vectors_bytes(stage->vectors, row);
	stage_select(stage, is_of_rest, scene, &scene->rest);
	/* A log that nobody needs must be right, too, where it is there. */
	scene->needed =
	    !is_accepted(&scene->rest, policy) || strcmp(row->kind, "eventlog") == 0;
	/* So that it is the damage that matters. */
	assert_true(is_good(scene, scene->whole));
}

static void scene_done(struct scene *scene)
{
	tobi_collateral_free(scene->rest.collateral);
}

static bool is_text(struct tobi_bytes bytes)
{
	return bytes.size && bytes.ptr[0] != DER_SEQUENCE && isprint(bytes.ptr[0]);
}

/* Behind it is only what fills up: blanks of a text, 0xff of a log's memory. */
static bool is_end(struct tobi_bytes whole, size_t size)
{
	bool text = is_text(whole);

	while (size < whole.size &&
	       (text ? isspace(whole.ptr[size]) : whole.ptr[size] == 0xff))
		size++;
	return size == whole.size;
}

/* Whole blocks of PEM: fewer certificates, none of them cut. */
static bool is_between_blocks(struct tobi_bytes whole, size_t size)
{
	static const char dashes[] = "-----";

	if (whole.size < sizeof(dashes) || memcmp(whole.ptr, dashes, 5) != 0)
		return false;
	while (size && isspace(whole.ptr[size - 1]))
		size--;
	return size == 0 || (size > 5 && memcmp(whole.ptr + size - 5, dashes, 5) == 0 &&
			     (size == whole.size || isspace(whole.ptr[size])));
}

static bool is_sampled(size_t place, bool first)
{
	return place % (first ? FIRST_STEP : OTHER_STEP) == 0 ||
	       (first && place < FIRST_WHOLE);
}

static bool is_taken(struct scene *scene, struct tobi_bytes bytes, const char *how,
		     size_t place)
{
	if (!is_good(scene, bytes) || !scene->needed)
		return false;
	print_message("%s: %s is taken, %s %zu of %zu\n", scene->stage->what->path,
		      scene->row->path, how, place, scene->whole.size);
	return true;
}

static size_t cut(struct scene *scene, bool first)
{
	size_t taken = 0;

	for (size_t size = is_log(scene) ? LOG_HEADER : 0; size < scene->whole.size;
	     size++) {
		if (is_sampled(size, first) && !is_end(scene->whole, size) &&
		    !is_between_blocks(scene->whole, size))
			taken +=
			    is_taken(scene, (struct tobi_bytes){scene->whole.ptr, size},
				     "cut at", size);
	}
	return taken;
}

/* Members that nobody signs and nobody reads. */
static bool says_more(const struct scene *scene)
{
	return !scene->collateral && scene->whole.ptr[0] == '{';
}

/* Between lines of a text anything may be blank, and of the last digit of base64 some
 * bits are over. */
static bool is_loose(const struct scene *scene, size_t place)
{
	const uint8_t *at = scene->whole.ptr + place;

	return is_end(scene->whole, place) ||
	       (is_text(scene->whole) &&
		(isspace(*at) || (place + 1 < scene->whole.size && at[1] == '=')));
}

static size_t turn(struct scene *scene, bool first)
{
	size_t taken = 0;
	bool text = is_text(scene->whole);
	uint8_t *copy = malloc(scene->whole.size);

	assert_non_null(copy);
	memcpy(copy, scene->whole.ptr, scene->whole.size);
	for (size_t i = 0; i < scene->whole.size; i++) {
		if (!is_sampled(i, first) || is_loose(scene, i))
			continue;
		/* Not the bit between the cases of a letter. */
		copy[i] ^= (uint8_t)(1 << (text ? i % 5 : i * 5 % 8));
		taken += is_taken(scene, (struct tobi_bytes){copy, scene->whole.size},
				  "a bit turned at", i);
		copy[i] = scene->whole.ptr[i];
	}
	free(copy);
	return taken;
}

static size_t damage_all(const struct vector_case *what, bool first)
{
	struct stage stage;
	struct tobi_policy *policy;
	size_t taken = 0;

	stage_make(&stage, &vectors, what);
	policy = stage_policy(&stage, stage.image, what->takes);
	assert_non_null(policy);
	for (size_t i = 0; i < stage.beside_count; i++) {
		struct scene scene;

		scene_make(&scene, &stage, policy, stage.beside[i]);
		taken += cut(&scene, first);
		/* The data of an event need not be what its digest is of. */
		if (!says_more(&scene) && !is_log(&scene))
			taken += turn(&scene, first);
		print_message("%s: %s (%zu bytes, %s)\n", what->path, scene.row->path,
			      scene.whole.size, scene.needed ? "needed" : "not needed");
		scene_done(&scene);
	}
	tobi_policy_free(policy);
	stage_done(&stage);
	return taken;
}

static void test_vectors__damaged_beside_evidence__is_not_taken(void **state)
{
	const struct vector_case *what;
	const char *tier = "";
	size_t taken = 0;

	(void)state;
	for (size_t i = 0; (what = vector_case_at(i)); i++) {
		if (!what->takes || what->instead || what->anchors ||
		    strncmp(what->path, only, strlen(only)) != 0)
			continue;
		/* Signed XML takes thirty times as long as other documents. */
		taken += damage_all(what, strcmp(what->tier, tier) != 0 &&
					      strcmp(what->tier, "nvidia-gpu") != 0);
		tier = what->tier;
	}
	assert_int_equal(taken, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors__damaged_beside_evidence__is_not_taken),
	};
	int failed;

	if (argc > 1)
		only = argv[1];
	failed = vectors_run(&vectors, tests);
	vectors_close(&vectors);
	return failed;
}
