/* What OCSP answers say of a chain's certificates. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "tee/nvidia_chain.h"

static const char object[] = "OCSP answer";

struct known_answers {
	struct memo_value head;
};

static void known_free(struct memo_value *value)
{
	free((struct known_answers *)value);
}

/* Those that may be about the chain: of the collateral, which may be a fleet's, by the
 * certificates' numbers. */
struct chosen {
	struct tobi_bytes bytes[NVIDIA_ANSWERS_MAX];
	struct tobi_bytes hashes[NVIDIA_ANSWERS_MAX];
	size_t count;
};

static void choose(struct chosen *chosen, struct tobi_bytes bytes, const uint8_t *hash)
{
	if (chosen->count == NVIDIA_ANSWERS_MAX)
		return;
	chosen->bytes[chosen->count] = bytes;
	chosen->hashes[chosen->count++] = (struct tobi_bytes){hash, SHA256_SIZE};
}

static void choose_all(const struct nvidia_chain *chain,
		       const struct nvidia_material *material,
		       const struct tobi_collateral *set, struct chosen *chosen)
{
	const struct collateral_item *item;

	for (size_t i = 0; i < material->answer_count; i++)
		choose(chosen, material->answers[i].bytes, material->answers[i].hash);
	for (size_t i = 0; (item = collateral_at(set, i)); i++) {
		bool named = false;

		if (item->kind != COLLATERAL_OCSP)
			continue;
		for (size_t j = 0; j < chain->count; j++)
			named |= strcmp(item->name, chain->serials[j]) == 0;
		if (named)
			choose(chosen, item->data, item->hash);
	}
}

static enum nvidia_answer grade(const struct ocsp_answer *said,
				const struct tee_request *request, const char **ret_why)
{
	const struct chain_window *window = &said->window;

	*ret_why = "";
	if (!said->genuine) {
		*ret_why = "neither its issuer nor who the issuer lets answer has signed";
		return NVIDIA_ANSWER_FORGED;
	}
	/* Nothing makes up for that, however old the answer is. */
	if (said->status == OCSP_REVOKED && window->not_before <= request->time) {
		*ret_why = "it is revoked";
		return NVIDIA_ANSWER_REVOKED;
	}
	if (window->not_before > request->time ||
	    window->not_before < request->baseline ||
	    request->time >= window->not_after + request->grace) {
		*ret_why = "the answer is of another time";
		return NVIDIA_ANSWER_STALE;
	}
	if (said->status == OCSP_UNKNOWN) {
		*ret_why = "the responder does not know it";
		return NVIDIA_ANSWER_REVOKED;
	}
	if (said->status == OCSP_HOLD) {
		*ret_why = "it is on hold";
		return NVIDIA_ANSWER_HOLD;
	}
	return request->time < window->not_after ? NVIDIA_ANSWER_GOOD
						 : NVIDIA_ANSWER_GRACE;
}

struct one {
	enum nvidia_answer grade;
	const char *why;
	struct chain_window window;
	/* From when on an answer counts that does not yet. */
	int64_t until;
};

/* A revocation outdoes everything; what is in its time what is not; a genuine answer one
 * that is none. */
static int rank(enum nvidia_answer grade)
{
	switch (grade) {
	case NVIDIA_ANSWER_REVOKED:
		return 4;
	case NVIDIA_ANSWER_GOOD:
	case NVIDIA_ANSWER_GRACE:
	case NVIDIA_ANSWER_HOLD:
		return 3;
	case NVIDIA_ANSWER_STALE:
		return 2;
	case NVIDIA_ANSWER_FORGED:
		return 1;
	case NVIDIA_ANSWER_NONE:
		break;
	}
	return 0;
}

/* Of equals the newest counts. */
static bool is_better(const struct one *known, const struct one *other)
{
	int before = rank(known->grade), now = rank(other->grade);

	return now > before ||
	       (now == before && other->window.not_before > known->window.not_before);
}

static void look_up(OCSP_BASICRESP *const *answers, size_t count,
		    const struct nvidia_chain *chain, size_t at,
		    const struct tee_request *request, struct one *ret_one)
{
	struct one best = {.grade = NVIDIA_ANSWER_NONE, .why = "no answer came"};
	int64_t until = INT64_MAX;

	for (size_t i = 0; i < count; i++) {
		struct ocsp_answer said;
		struct one one;

		if (!answers[i] || !ocsp_answers(answers[i], chain->certificates[at],
						 chain->certificates[at + 1], &said))
			continue;
		one.grade = grade(&said, request, &one.why);
		one.window = said.window;
		if (said.window.not_before > request->time &&
		    said.window.not_before < until)
			until = said.window.not_before;
		if (is_better(&best, &one))
			best = one;
	}
	best.until = until;
	*ret_one = best;
}

static struct nvidia_answers judge(const struct nvidia_chain *chain,
				   enum nvidia_chain_kind kind,
				   const struct chosen *chosen,
				   const struct tee_request *request,
				   struct chain_window *ret_window)
{
	OCSP_BASICRESP *answers[NVIDIA_ANSWERS_MAX];
	struct nvidia_answers all = {NVIDIA_ANSWER_GOOD, "", "", false};

	for (size_t i = 0; i < chosen->count; i++) {
		answers[i] = NULL;
		/* One that cannot be read says nothing of any. */
		IGNORE(ocsp_read(chosen->bytes[i], object, &answers[i], NULL));
	}
	*ret_window = (struct chain_window){INT64_MIN, INT64_MAX};
	for (size_t i = kind == NVIDIA_DEVICE; i + 1 < chain->count; i++) {
		struct one one;

		look_up(answers, chosen->count, chain, i, request, &one);
		all.held |= one.grade == NVIDIA_ANSWER_HOLD;
		if (one.grade > all.worst)
			all = (struct nvidia_answers){one.grade, chain->names[i], one.why,
						      all.held};
		if (one.grade == NVIDIA_ANSWER_GOOD) {
			if (one.window.not_before > ret_window->not_before)
				ret_window->not_before = one.window.not_before;
			if (one.window.not_after < ret_window->not_after)
				ret_window->not_after = one.window.not_after;
			if (one.until < ret_window->not_after)
				ret_window->not_after = one.until;
		}
	}
	for (size_t i = 0; i < chosen->count; i++)
		OCSP_BASICRESP_free(answers[i]);
	return all;
}

static void keep(struct memo *memo, const struct memo_name *name,
		 const struct chain_window *window)
{
	struct known_answers *known = calloc(1, sizeof(*known));

	if (!known)
		return;
	atomic_init(&known->head.references, 1);
	known->head.free = known_free;
	memo_keep(memo, name, window, &known->head);
	memo_unref(&known->head);
}

struct nvidia_answers nvidia_chain_answers(const struct nvidia_chain *chain,
					   enum nvidia_chain_kind kind,
					   const struct nvidia_material *material,
					   const struct tee_request *request)
{
	struct nvidia_answers none = {NVIDIA_ANSWER_NONE, "", "no answer came", false};
	CLEANUP(freep) struct chosen *chosen = calloc(1, sizeof(*chosen));
	struct tobi_bytes *parts;
	struct chain_window window;
	struct nvidia_answers all;
	struct memo_value *known;
	struct memo_name name;
	uint8_t baseline[sizeof(request->baseline)];

	if (!chosen)
		return none;
	choose_all(chain, material, request->collateral, chosen);
	if (!chosen->count)
		return none;
	/* The hashes' list, with the chain's name and the baseline behind it. */
	parts = calloc(chosen->count + 2, sizeof(*parts));
	if (!parts)
		return none;
	for (size_t i = 0; i < chosen->count; i++)
		parts[i] = chosen->hashes[i];
	parts[chosen->count] =
	    (struct tobi_bytes){chain->name.hash, sizeof(chain->name.hash)};
	bytes_copy(baseline, sizeof(baseline), &request->baseline, sizeof(baseline));
	parts[chosen->count + 1] = (struct tobi_bytes){baseline, sizeof(baseline)};
	if (memo_name_make("nvidia-answers", parts, chosen->count + 2, &name)) {
		free(parts);
		return none;
	}
	free(parts);
	known = memo_find(request->memo, &name, request->time);
	if (known) {
		memo_unref(known);
		return (struct nvidia_answers){NVIDIA_ANSWER_GOOD, "", "", false};
	}
	all = judge(chain, kind, chosen, request, &window);
	if (all.worst == NVIDIA_ANSWER_GOOD)
		keep(request->memo, &name, &window);
	return all;
}
