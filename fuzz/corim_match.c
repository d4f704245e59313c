/*
 * Matching: whatever an unsigned document says, evidence of one image is met by its own
 * digest only; and what matches and covers it does so a second time.
 */
#include "corim/match.h"

#include <string.h>

#include "base/limits.h"
#include "corim/write.h"
#include "fuzz/fuzz.h"
#include "pki/key.h"
#include "tee/measure.h"

static const uint8_t image_id[SHA384_SIZE] = {1, 2, 3};

static struct tee_claims claims_of(struct arena *arena)
{
	struct tee_claims claims = {.tier = "soft",
				    .image_id = {image_id, sizeof(image_id)},
				    .signers = {{image_id, sizeof(image_id)}},
				    .signer_count = 1,
				    .svn = 3,
				    .product = 7};

	tee_measure(&claims, arena);
	return claims;
}

/* Bytes that are not in the document cannot be what it was compared with. */
static bool mentions(struct tobi_bytes input)
{
	return input.size && memmem(input.ptr, input.size, image_id, sizeof(image_id));
}

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct tee_claims claims = claims_of(&arena);
	const struct corim_evidence evidence = {&claims.environment, claims.measurements,
						claims.measurement_count};
	struct corim_outcome outcome = {0}, again = {0};
	struct corim *corim = NULL;
	bool matched = false;

	if (!corim_read(input, "fuzz", &corim, NULL)) {
		const struct corim_source source = {corim, NULL};

		if (!corim_match(&source, 1, &evidence, &arena, &outcome, NULL) &&
		    !corim_match(&source, 1, &evidence, &arena, &again, NULL)) {
			must(outcome.matched <= outcome.reference_count);
			must(outcome.claim_count <= CORIM_CLAIMS_MAX);
			must(outcome.matched == again.matched &&
			     outcome.claim_count == again.claim_count);
			must(outcome.matched || !outcome.reference_count ||
			     outcome.difference.closeness);
			if (corim_covers_image(&outcome, &evidence))
				must(outcome.matched && mentions(input));
			matched = outcome.matched > 0;
		}
	}
	corim_free(corim);
	arena_done(&arena);
	return matched;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	uint8_t other[SHA384_SIZE] = {9};
	struct corim_image image = {.name = text_of("n"),
				    .image_id = {image_id, sizeof(image_id)},
				    .svn = 3,
				    .product = 7};

	if (number > 2)
		return FUZZ_NO_SEED;
	if (number == 1)
		image.image_id.ptr = other;
	if (number == 2)
		image.svn = 4;
	must(!corim_write_image(&image, out, NULL));
	return number == 0 ? FUZZ_GOOD : FUZZ_BAD;
}
