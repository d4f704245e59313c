/* What OCSP answers say of a chain's certificates. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "tee/nvidia_chain.h"

static const char object[] = "OCSP answer";

/* What was found, whichever it is: the same answers say the same of the same chain, until
 * one of them begins or ends to count. */
struct known_answers {
	struct memo_value head;
	enum nvidia_answer worst;
	size_t of; /* of the chain; its length: of none */
	const char *why;
	bool held;
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
	int64_t not_before;
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

	return now > before || (now == before && other->not_before > known->not_before);
}

/* The time around the request's in which no answer begins or ends to count. */
static void narrow(struct chain_window *window, const struct ocsp_answer *said,
		   const struct tee_request *request)
{
	const int64_t turns[] = {said->window.not_before, said->window.not_after,
				 said->window.not_after + request->grace};

	for (size_t i = 0; i < 3; i++) {
		if (turns[i] <= request->time && turns[i] > window->not_before)
			window->not_before = turns[i];
		if (turns[i] > request->time && turns[i] < window->not_after)
			window->not_after = turns[i];
	}
}

static void look_up(OCSP_BASICRESP *const *answers, size_t count,
		    X509 *const *certificates, size_t at,
		    const struct tee_request *request, struct chain_window *window,
		    struct one *ret_one)
{
	struct one best = {.grade = NVIDIA_ANSWER_NONE, .why = "no answer came"};

	for (size_t i = 0; i < count; i++) {
		struct ocsp_answer said;
		struct one one;

		if (!answers[i] || !ocsp_answers(answers[i], certificates[at],
						 certificates[at + 1], &said))
			continue;
		narrow(window, &said, request);
		one.grade = grade(&said, request, &one.why);
		one.not_before = said.window.not_before;
		if (is_better(&best, &one))
			best = one;
	}
	*ret_one = best;
}

/* False: the certificates could not be read again, so nothing is known. */
static bool judge(const struct nvidia_chain *chain, enum nvidia_chain_kind kind,
		  const struct chosen *chosen, const struct tee_request *request,
		  struct chain_window *ret_window, struct known_answers *all)
{
	OCSP_BASICRESP *answers[NVIDIA_ANSWERS_MAX];
	struct chain_window window = {INT64_MIN, INT64_MAX};
	X509 *opened[LIMIT_COSE_CHAIN] = {NULL};
	X509 *const *certificates = chain->certificates;

	bool good = true;

	if (!certificates[0]) {
		good = nvidia_chain_open(chain, opened);
		certificates = opened;
	}
	for (size_t i = 0; i < chosen->count; i++) {
		answers[i] = NULL;
		/* One that cannot be read says nothing of any. */
		IGNORE(ocsp_read(chosen->bytes[i], object, &answers[i], NULL));
	}
	for (size_t i = kind == NVIDIA_DEVICE; good && i + 1 < chain->count; i++) {
		struct one one;

		look_up(answers, chosen->count, certificates, i, request, &window, &one);
		all->held |= one.grade == NVIDIA_ANSWER_HOLD;
		if (one.grade > all->worst) {
			all->worst = one.grade;
			all->of = i;
			all->why = one.why;
		}
	}
	for (size_t i = 0; i < chosen->count; i++)
		OCSP_BASICRESP_free(answers[i]);
	for (size_t i = 0; i < LIMIT_COSE_CHAIN; i++)
		X509_free(opened[i]);
	*ret_window = window;
	return good;
}

static struct known_answers *known_new(const struct nvidia_chain *chain)
{
	struct known_answers *known = calloc(1, sizeof(*known));

	if (!known)
		return NULL;
	atomic_init(&known->head.references, 1);
	known->head.free = known_free;
	known->worst = NVIDIA_ANSWER_GOOD;
	known->of = chain->count;
	known->why = "";
	return known;
}

static bool make_name(const struct nvidia_chain *chain, const struct chosen *chosen,
		      const struct tee_request *request, struct memo_name *ret_name)
{
	CLEANUP(freep)
	struct tobi_bytes *parts = calloc(chosen->count + 2, sizeof(*parts));
	int64_t rules[] = {request->baseline, request->grace};

	if (!parts)
		return false;
	for (size_t i = 0; i < chosen->count; i++)
		parts[i] = chosen->hashes[i];
	parts[chosen->count] =
	    (struct tobi_bytes){chain->name.hash, sizeof(chain->name.hash)};
	parts[chosen->count + 1] =
	    (struct tobi_bytes){(const uint8_t *)rules, sizeof(rules)};
	return !memo_name_make("nvidia-answers", parts, chosen->count + 2, ret_name);
}

struct nvidia_answers nvidia_chain_answers(const struct nvidia_chain *chain,
					   enum nvidia_chain_kind kind,
					   const struct nvidia_material *material,
					   const struct tee_request *request)
{
	struct nvidia_answers all = {NVIDIA_ANSWER_NONE, "", "no answer came", false};
	CLEANUP(freep) struct chosen *chosen = calloc(1, sizeof(*chosen));
	struct known_answers *known;
	struct chain_window window;
	struct memo_name name;

	if (!chosen)
		return all;
	choose_all(chain, material, request->collateral, chosen);
	if (!chosen->count || !make_name(chain, chosen, request, &name))
		return all;
	known = (struct known_answers *)memo_find(request->memo, &name, request->time);
	if (!known) {
		known = known_new(chain);
		if (!known)
			return all;
		if (judge(chain, kind, chosen, request, &window, known)) {
			memo_keep(request->memo, &name, &window, &known->head);
		} else {
			known->worst = NVIDIA_ANSWER_FORGED;
			known->of = 0;
			known->why = "the certificates could not be read again";
		}
	}
	all = (struct nvidia_answers){
	    known->worst, known->of < chain->count ? chain->names[known->of] : "",
	    known->why, known->held};
	memo_unref(&known->head);
	return all;
}
