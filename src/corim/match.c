#include "corim/match.h"

#include "base/fault.h"
#include "base/secret.h"
#include "corim/key.h"

enum {
	OTHER_ENVIRONMENT = 1,
	OTHER_KEY = 2,
	ROUNDS_MAX = 8,
	NONE = -1,
	PROFILE_MRTEE = -83 /* of Intel's profile: what was launched */
};

struct matching {
	const struct corim_source *source; /* whose triples are compared now */
	const struct corim_evidence *evidence;
	struct arena *arena;
	struct corim_outcome *outcome;
};

static void came_close(struct matching *matching, unsigned closeness,
		       const char *expected, const char *found)
{
	struct corim_difference *difference = &matching->outcome->difference;

	if (difference->closeness < closeness)
		*difference = (struct corim_difference){closeness, expected, found};
}

/* A designated authority must be who signed this document. */
static bool signer_is_among(const struct corim_keys *authorities, EVP_PKEY *signer)
{
	for (size_t i = 0; i < authorities->count && signer; i++) {
		if (corim_key_is(&authorities->items[i], signer))
			return true;
	}
	return authorities->count == 0;
}

static bool names_register(const struct corim_values *values,
			   const struct tee_register *image)
{
	for (size_t i = 0; image && i < values->register_count; i++) {
		if (corim_register_is(&values->registers[i], image))
			return true;
	}
	return false;
}

/* What a reference must speak of, to speak of what was launched: its digest. Who signed
 * it, its version, or registers that what was launched extends itself, are not enough. */
static bool names_content(const struct corim_values *values,
			  const struct tee_measurement *have)
{
	for (size_t i = 0; i < values->extension_count; i++) {
		if (values->extensions[i].key == PROFILE_MRTEE &&
		    values->extensions[i].form == CORIM_FORM_DIGESTS)
			return true;
	}
	return values->digests.count > 0 || names_register(values, have->image_register);
}

static const struct tee_environment *environment_of(const struct corim_evidence *evidence,
						    size_t index)
{
	const struct tee_measurement *measurement = &evidence->measurements[index];

	return measurement->environment ? measurement->environment
					: evidence->environment;
}

/* The measurement of that environment that meets it; NONE when there is none. */
static int find_met(struct matching *matching, const struct tee_environment *environment,
		    const struct corim_measurement *want)
{
	const struct corim_evidence *evidence = matching->evidence;
	bool has_key = false;

	if (!signer_is_among(&want->authorities, matching->source->signer)) {
		came_close(matching, OTHER_KEY,
			   corim_mkey_text(&want->mkey, matching->arena),
			   "said by a signer who is not the authority that it names");
		return NONE;
	}
	for (size_t i = 0; i < evidence->count; i++) {
		if (environment_of(evidence, i) != environment ||
		    !corim_mkey_is(&want->mkey, &evidence->measurements[i]))
			continue;
		has_key = true;
		if (corim_measurement_holds(want, &evidence->measurements[i],
					    matching->arena,
					    &matching->outcome->difference))
			return (int)i;
	}
	if (!has_key)
		came_close(matching, OTHER_KEY,
			   corim_mkey_text(&want->mkey, matching->arena),
			   "no such measurement in the evidence");
	return NONE;
}

/* All of it, in one environment of the evidence. */
static bool matches_in(struct matching *matching,
		       const struct tee_environment *environment,
		       const struct corim_triple *triple)
{
	struct corim_outcome *outcome = matching->outcome;
	bool covered[TEE_MEASUREMENTS_MAX] = {false};

	for (size_t i = 0; i < triple->measurements.count; i++) {
		const struct corim_measurement *want = &triple->measurements.items[i];
		int met = find_met(matching, environment, want);

		if (met == NONE)
			return false;
		covered[met] |=
		    names_content(&want->values, &matching->evidence->measurements[met]);
	}
	for (size_t i = 0; i < TEE_MEASUREMENTS_MAX; i++)
		outcome->covered[i] |= covered[i];
	return true;
}

/* Whether an earlier measurement is of the same environment as this one. */
static bool is_seen(const struct corim_evidence *evidence, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (environment_of(evidence, i) == environment_of(evidence, index))
			return true;
	}
	return environment_of(evidence, index) == evidence->environment;
}

static void match_reference(struct matching *matching, const struct corim_triple *triple)
{
	const struct corim_evidence *evidence = matching->evidence;
	bool holds = corim_environment_holds(&triple->environment, evidence->environment);
	bool matched = holds && matches_in(matching, evidence->environment, triple);

	matching->outcome->reference_count++;
	for (size_t i = 0; i < evidence->count; i++) {
		const struct tee_environment *one = environment_of(evidence, i);

		if (is_seen(evidence, i) ||
		    !corim_environment_holds(&triple->environment, one))
			continue;
		holds = true;
		matched |= matches_in(matching, one, triple);
	}
	if (!holds)
		came_close(matching, OTHER_ENVIRONMENT,
			   corim_environment_text(&triple->environment, matching->arena),
			   "another environment");
	matching->outcome->matched += matched;
}

/* What was claimed or endorsed and meets a condition; NULL when nothing does. */
static const struct corim_claim *find_claim(struct matching *matching,
					    const struct corim_environment *environment,
					    const struct corim_measurement *want,
					    const struct corim_keys *authorities)
{
	const struct corim_outcome *outcome = matching->outcome;

	for (size_t i = 0; i < outcome->claim_count; i++) {
		const struct corim_claim *claim = &outcome->claims[i];

		/* Who stands behind evidence is not a key of CoRIM's. */
		if (authorities->count && !claim->authority)
			continue;
		if (!signer_is_among(authorities, claim->authority) ||
		    !corim_environment_holds(environment, &claim->environment))
			continue;
		if (!want || (corim_mkey_is(&want->mkey, &claim->measurement) &&
			      corim_measurement_holds(want, &claim->measurement,
						      matching->arena, NULL)))
			return claim;
	}
	return NULL;
}

/* Every one of them is met, and the environment is there at all. */
static bool conditions_hold(struct matching *matching,
			    const struct corim_environment *environment,
			    const struct corim_measurements *wanted,
			    const struct corim_keys *authorities)
{
	static const struct corim_keys nobody = {0};

	for (size_t i = 0; i < wanted->count; i++) {
		const struct corim_measurement *want = &wanted->items[i];
		const struct corim_keys *whose =
		    authorities->count ? authorities : &want->authorities;

		if (!find_claim(matching, environment, want, whose))
			return false;
	}
	return wanted->count || find_claim(matching, environment, NULL,
					   authorities->count ? authorities : &nobody);
}

/* In the environment as the evidence has it, where the endorsement's is that one. */
static enum tobi_err endorse(struct matching *matching,
			     const struct corim_environment *environment,
			     const struct corim_measurements *added)
{
	static const struct corim_keys nobody = {0};
	struct corim_outcome *outcome = matching->outcome;
	const struct corim_claim *at = find_claim(matching, environment, NULL, &nobody);

	for (size_t i = 0; i < added->count; i++) {
		struct corim_claim *claim;

		if (!signer_is_among(&added->items[i].authorities,
				     matching->source->signer))
			continue;
		if (outcome->claim_count == CORIM_CLAIMS_MAX) {
			outcome->left_out = true;
			return TOBI_OK;
		}
		claim = &outcome->claims[outcome->claim_count];
		if (!corim_claim_of(environment, &added->items[i], matching->arena,
				    claim))
			return TOBI_E_MEMORY;
		if (at)
			claim->environment = at->environment;
		claim->authority = matching->source->signer;
		claim->endorsed = true;
		outcome->claim_count++;
	}
	return TOBI_OK;
}

static enum tobi_err endorse_all(struct matching *matching,
				 const struct corim_triples *triples, bool asked)
{
	static const struct corim_keys nobody = {0};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < triples->count && !err; i++) {
		const struct corim_triple *triple = &triples->items[i];

		if (!asked || find_claim(matching, &triple->environment, NULL, &nobody))
			err = endorse(matching, &triple->environment,
				      &triple->measurements);
	}
	return err;
}

static bool all_hold(struct matching *matching, const struct corim_triples *conditions)
{
	static const struct corim_keys nobody = {0};

	for (size_t i = 0; i < conditions->count; i++) {
		if (!conditions_hold(matching, &conditions->items[i].environment,
				     &conditions->items[i].measurements, &nobody))
			return false;
	}
	return true;
}

/* The first step of a series that holds is the one that counts. */
static enum tobi_err endorse_series(struct matching *matching,
				    const struct corim_series *series, bool *ret_done)
{
	const struct corim_environment *environment = &series->common.environment;

	if (!conditions_hold(matching, environment, &series->common.measurements,
			     &series->authorities))
		return TOBI_OK;
	for (size_t i = 0; i < series->step_count; i++) {
		if (!conditions_hold(matching, environment, &series->steps[i].condition,
				     &series->authorities))
			continue;
		*ret_done = true;
		return endorse(matching, environment, &series->steps[i].addition);
	}
	return TOBI_OK;
}

/* The conditional ones of a module that have not been added yet; done: one flag each. */
static enum tobi_err add_conditionals(struct matching *matching,
				      const struct corim_module *module, bool *done)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < module->conditional_count && !err; i++, done++) {
		const struct corim_conditional *one = &module->conditionals[i];

		if (*done || !all_hold(matching, &one->conditions))
			continue;
		*done = true;
		err = endorse_all(matching, &one->endorsements, false);
	}
	for (size_t i = 0; i < module->series_count && !err; i++, done++) {
		if (!*done)
			err = endorse_series(matching, &module->series[i], done);
	}
	return err;
}

/* An endorsement may be another one's condition: until nothing is added any more. */
static enum tobi_err add_endorsements(struct matching *matching,
				      const struct corim_source *sources, size_t count)
{
	struct corim_outcome *outcome = matching->outcome;
	size_t before, total = 0, at;
	bool *done;
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < sources[i].corim->module_count; j++)
			total += sources[i].corim->modules[j].conditional_count +
				 sources[i].corim->modules[j].series_count;
	}
	done = arena_array(matching->arena, total + 1, sizeof(*done));
	if (!done)
		return TOBI_E_MEMORY;
	for (size_t i = 0; i < count && !err; i++) {
		matching->source = &sources[i];
		for (size_t j = 0; j < sources[i].corim->module_count && !err; j++)
			err = endorse_all(matching,
					  &sources[i].corim->modules[j].endorsed, true);
	}
	for (int round = 0; round < ROUNDS_MAX && !err; round++) {
		before = outcome->claim_count;
		at = 0;
		for (size_t i = 0; i < count && !err; i++) {
			matching->source = &sources[i];
			for (size_t j = 0; j < sources[i].corim->module_count && !err;
			     j++) {
				const struct corim_module *module =
				    &sources[i].corim->modules[j];

				err = add_conditionals(matching, module, &done[at]);
				at += module->conditional_count + module->series_count;
			}
		}
		if (outcome->claim_count == before)
			break;
	}
	return err;
}

enum tobi_err corim_match(const struct corim_source *sources, size_t count,
			  const struct corim_evidence *evidence, struct arena *arena,
			  struct corim_outcome *ret_outcome, struct tobi_fault *fault)
{
	struct corim_outcome outcome = {0};
	struct matching matching = {NULL, evidence, arena, &outcome};
	enum tobi_err err = TOBI_OK;

	outcome.claims = arena_array(arena, CORIM_CLAIMS_MAX, sizeof(*outcome.claims));
	if (!outcome.claims)
		return fault_set(fault, TOBI_E_MEMORY, "reference values", "",
				 "out of memory");
	for (size_t i = 0; i < evidence->count; i++)
		outcome.claims[outcome.claim_count++] = (struct corim_claim){
		    *environment_of(evidence, i), evidence->measurements[i], NULL, false};
	for (size_t i = 0; i < count; i++) {
		const struct corim *corim = sources[i].corim;

		matching.source = &sources[i];
		for (size_t j = 0; j < corim->module_count; j++) {
			const struct corim_triples *references =
			    &corim->modules[j].references;

			for (size_t k = 0; k < references->count; k++)
				match_reference(&matching, &references->items[k]);
		}
	}
	err = add_endorsements(&matching, sources, count);
	if (err)
		return fault_set(fault, err, "reference values", "", "out of memory");
	*ret_outcome = outcome;
	return TOBI_OK;
}

bool corim_covers_image(const struct corim_outcome *outcome,
			const struct corim_evidence *evidence)
{
	bool marked = false, all = false;

	for (size_t i = 0; i < evidence->count; i++) {
		if (evidence->measurements[i].image && outcome->covered[i])
			return true;
		marked |= evidence->measurements[i].image;
	}
	for (size_t i = 0; i < evidence->count && !marked; i++) {
		if (evidence->measurements[i].digest_count == 0)
			continue;
		if (!outcome->covered[i])
			return false;
		all = true;
	}
	return all;
}
