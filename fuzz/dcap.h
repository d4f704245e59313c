/* What whole appraisals of quotes have in common, of SGX and of TDX: collateral and memo,
 * and that what is accepted says what a seed says, for nobody else has the keys. */
#ifndef FUZZ_DCAP_H
#define FUZZ_DCAP_H

#include <string.h>

#include "fuzz/fuzz.h"
#include "pki/memo.h"
#include "tests/dcap_collateral.h"

/* The scene of a seed. */
typedef enum fuzz_seed dcap_make_scene(unsigned number, struct dcap_scene *scene);

/* Header and body: of version 5 with kind and size of the body between them. */
static inline size_t dcap_signed_size(const struct dcap_scene *scene)
{
	size_t body = scene->body_kind == DCAP_TD15   ? (size_t)DCAP_TD15_SIZE
		      : scene->body_kind == DCAP_TD10 ? (size_t)DCAP_TD10_SIZE
						      : 384;

	return (scene->version == 5 ? 54u : 48u) + body;
}

/* What was signed in a seed; the same in every process. */
static inline bool dcap_was_signed(struct tobi_bytes evidence, dcap_make_scene *make)
{
	struct dcap_scene scene;

	for (unsigned i = 0; make(i, &scene) != FUZZ_NO_SEED; i++) {
		struct writer quote = wr_init(LIMIT_EVIDENCE);
		size_t size = dcap_signed_size(&scene);
		bool same;

		dcap_scene_quote(&scene, &quote);
		same =
		    evidence.size >= size && memcmp(quote.ptr, evidence.ptr, size) == 0;
		wr_done(&quote);
		if (same)
			return true;
	}
	return false;
}

/* Whether each check that was owed has passed. */
static inline bool dcap_passed(const struct checklist *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->records[i].outcome != TOBI_PASSED &&
		    list->records[i].outcome != TOBI_NOT_ASKED)
			return false;
	}
	return true;
}

/* Of this seed's kind. Made once; the process ends with it. */
static inline const struct tobi_collateral *dcap_collateral_of(unsigned number,
							       dcap_make_scene *make)
{
	static struct tobi_collateral *set;
	struct dcap_test_collateral documents;
	struct dcap_scene scene;

	if (set)
		return set;
	set = tobi_collateral_new();
	must(set != NULL);
	make(number, &scene);
	dcap_test_collateral_make(&scene, &documents);
	dcap_test_put(&scene, &documents, set);
	return set;
}

static inline struct memo *dcap_memo(void)
{
	static struct memo *known;

	if (!known)
		known = memo_new();
	must(known != NULL);
	return known;
}

#endif
