/* A whole appraisal of raw evidence: the input is the policy, a byte of zero, one piece
 * that came beside the evidence, a byte of zero, and the evidence. */
#ifndef FUZZ_RAW_H
#define FUZZ_RAW_H

#include <string.h>

#include "fuzz/fuzz.h"
#include "tobichi/verify.h"

/* What stands before the next zero; the rest is left in input. */
static inline struct tobi_bytes take_until_zero(struct tobi_bytes *input)
{
	const uint8_t *end = input->size ? memchr(input->ptr, 0, input->size) : NULL;
	struct tobi_bytes part = {input->ptr,
				  end ? (size_t)(end - input->ptr) : input->size};
	size_t behind = part.size + (end ? 1 : 0);

	input->ptr += behind;
	input->size -= behind;
	return part;
}

/* Whether it was accepted. Twice, for what is remembered must not change the result. */
static inline bool fuzz_raw(struct tobi_bytes input, int64_t time,
			    struct tobi_bytes secret)
{
	struct tobi_bytes yaml = take_until_zero(&input);
	struct tobi_bytes piece = take_until_zero(&input);
	struct tobi_verify_request request = {.evidence = input,
					      .time = time,
					      .pieces = &piece,
					      .piece_count = piece.size > 0,
					      .secret = secret};
	enum tobi_verdict verdicts[2] = {TOBI_REFUSE, TOBI_REFUSE};
	struct tobi_policy *policy = NULL;

	if (tobi_policy_parse(yaml, "policy", &policy, NULL))
		return false;
	for (size_t i = 0; i < 2; i++) {
		struct tobi_result *result = NULL;
		struct tobi_fault fault = {0};
		char *text = NULL;

		if (tobi_verify(policy, &request, &result, &fault)) {
			must(result == NULL && fault.code != TOBI_OK);
			continue;
		}
		verdicts[i] = tobi_result_verdict(result);
		must((verdicts[i] == TOBI_ACCEPT) ==
		     (strcmp(tobi_result_reason(result), "accepted") == 0));
		must(!tobi_result_write(result, TOBI_FORMAT_JSON, &text, NULL));
		free(text);
		tobi_result_free(result);
	}
	must(verdicts[0] == verdicts[1]);
	tobi_policy_free(policy);
	return verdicts[0] == TOBI_ACCEPT;
}

#endif
