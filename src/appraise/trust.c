#include "appraise/trust.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/explain.h"
#include "appraise/policy_guest.h"
#include "appraise/policy_roots.h"
#include "appraise/policy_section.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"

DEFINE_CLEANUP(struct tobi_trust *, tobi_trust_free)

static bool make_room(struct trust_writer *wr)
{
	struct tobi_trust *trust = wr->trust;
	size_t room = trust->room ? 2 * trust->room : 64;
	struct tobi_trust_line *lines;

	if (trust->count < trust->room)
		return true;
	lines = arena_array(&trust->arena, room, sizeof(*lines));
	if (!lines) {
		wr->err = TOBI_E_MEMORY;
		return false;
	}
	if (trust->count)
		bytes_copy(lines, room * sizeof(*lines), trust->lines,
			   trust->count * sizeof(*lines));
	trust->lines = lines;
	trust->room = room;
	return true;
}

static void add_party(struct trust_writer *wr, const char *party)
{
	struct tobi_trust *trust = wr->trust;

	if (!trust->parties)
		trust->parties = arena_array(&trust->arena, TRUST_PARTIES_MAX,
					     sizeof(*trust->parties));
	for (size_t i = 0; i < trust->party_count; i++) {
		if (strcmp(trust->parties[i], party) == 0)
			return;
	}
	if (!trust->parties || trust->party_count == TRUST_PARTIES_MAX)
		wr->err = TOBI_E_MEMORY;
	else
		trust->parties[trust->party_count++] = party;
}

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

void trust_add(struct trust_writer *wr, const struct tobi_trust_line *line)
{
	if (wr->err || !make_room(wr))
		return;
	wr->trust->lines[wr->trust->count++] =
	    (struct tobi_trust_line){line->kind,
				     wr->depth,
				     text_or_empty(line->name),
				     text_or_empty(line->value),
				     text_or_empty(line->source),
				     text_or_empty(line->does),
				     text_or_empty(line->bad),
				     text_or_empty(line->smaller),
				     text_or_empty(line->party)};
	if (line->party && line->party[0])
		add_party(wr, line->party);
}

void trust_open(struct trust_writer *wr, const struct tobi_trust_line *line)
{
	trust_add(wr, line);
	if (wr->depth + 1 < TRUST_DEPTH_MAX)
		wr->depth++;
	else
		wr->err = wr->err ? wr->err : TOBI_E_LIMIT;
}

void trust_close(struct trust_writer *wr)
{
	wr->depth--;
}

const char *trust_text(struct trust_writer *wr, const char *format, ...)
{
	char *text = NULL;
	const char *copy;
	va_list args;
	int size;

	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	copy = size < 0 ? NULL : arena_printf(&wr->trust->arena, "%s", text);
	if (size >= 0)
		free(text);
	if (copy)
		return copy;
	wr->err = wr->err ? wr->err : TOBI_E_MEMORY;
	return "";
}

const char *trust_hex(struct trust_writer *wr, struct tobi_bytes bytes)
{
	char text[2 * 64 + 1] = "";

	if (bytes.size <= 64)
		hex_write(bytes, text, sizeof(text));
	return trust_text(wr, "%s", text);
}

const char *trust_join(struct trust_writer *wr, const char *const *texts, size_t count)
{
	const char *all = "";

	for (size_t i = 0; i < count; i++)
		all = trust_text(wr, "%s%s%s", all, i ? ", " : "", texts[i]);
	return all;
}

const char *trust_list(struct trust_writer *wr, const struct tobi_bytes *items,
		       size_t count, bool hex)
{
	const char *all = "";

	for (size_t i = 0; i < count; i++) {
		const char *one = hex ? trust_hex(wr, items[i])
				      : trust_text(wr, "%.*s", (int)items[i].size,
						   (const char *)items[i].ptr);

		all = i ? trust_text(wr, "%s, %s", all, one) : one;
	}
	return all;
}

void trust_key(struct trust_writer *wr, const struct trust_key *key, bool named,
	       const char *value)
{
	if (!named && !key->not_named)
		return;
	trust_add(wr,
		  &(struct tobi_trust_line){.kind = key->kind,
					    .name = named ? key->named : key->not_named,
					    .value = named ? value : NULL,
					    .source = named ? key->key : NULL,
					    .smaller = named ? NULL : key->smaller});
}

/* One row for each tier that a policy can name; NULL: no verifier of this build. */
static const struct {
	const char *tier;
	void (*add)(struct trust_writer *wr);
} tiers[] = {
    {"soft", trust_soft},
    {"sgx", trust_sgx},
    {"tdx", trust_tdx},
    {"snp", trust_snp},
    {"sev", trust_sev},
    {"cca", trust_cca},
    {"psa", trust_psa},
    {"nitro", trust_nitro},
    {"nitro-tpm", trust_nitro_tpm},
    {"sgx-epid", trust_epid},
    {"nvidia-gpu", trust_nvidia},
    {"tpm", trust_tpm},
    {"azure-snp", trust_azure_snp},
    {"azure-tdx", trust_azure_tdx},
    {"eat", trust_eat},
    {"ear", trust_ear},
};

static bool is_verified_here(const char *tier)
{
	const struct tee_verifier *verifier;

	for (size_t i = 0; (verifier = tee_verifier_at(i)); i++) {
		if (strcmp(verifier->tier, tier) == 0)
			return true;
	}
	return false;
}

static void add_of_tier(struct trust_writer *wr, const char *tier)
{
	bool verified = is_verified_here(tier);

	for (size_t i = 0; verified && i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		if (strcmp(tiers[i].tier, tier) == 0)
			tiers[i].add(wr);
	}
}

static void add_tier(struct trust_writer *wr, const char *tier, bool one_of_many)
{
	bool verified = is_verified_here(tier);

	trust_open(wr,
		   &(struct tobi_trust_line){
		       .kind = TOBI_TRUST_TIER,
		       .name = trust_text(wr, "tier %s", tier),
		       .source = "tiers",
		       .does = verified ? explain_tier(tier)
					: "this build verifies no evidence of it: all "
					  "of it is refused",
		       .smaller = one_of_many
				      ? trust_text(wr,
						   "remove %s from tiers, if nothing "
						   "of yours runs there",
						   tier)
				      : NULL});
	add_of_tier(wr, tier);
	trust_close(wr);
}

/* Hardware around the enclave, where it must attest, too. */
static void add_guest(struct trust_writer *wr)
{
	const struct tobi_policy *policy = wr->policy;
	const struct policy_guest *guest = policy->guest;
	struct tobi_policy view;

	if (!guest)
		return;
	/* The sections are the guest's. */
	view = policy_guest_view(policy);
	wr->policy = &view;
	for (size_t i = 0; i < guest->tier_count; i++) {
		trust_open(
		    wr, &(struct tobi_trust_line){
			    .kind = TOBI_TRUST_TIER,
			    .name = trust_text(wr, "guest of tier %s", guest->tiers[i]),
			    .source = "guest.tiers",
			    .does = explain_tier(guest->tiers[i])});
		add_of_tier(wr, guest->tiers[i]);
		trust_close(wr);
	}
	trust_boot(wr);
	wr->policy = policy;
	for (size_t i = 0; i < guest->images.count; i++)
		trust_add(wr,
			  &(struct tobi_trust_line){
			      .kind = TOBI_TRUST_IMAGE,
			      .name = "guest",
			      .value = trust_hex(wr, guest->images.items[i]),
			      .source = "guest.images",
			      .does = "the guest in which the enclave and its platform "
				      "service run, as hardware measured it",
			      .bad = "its kernel and its root could look into every "
				     "enclave in it, and sign for any"});
}

static bool is_first(const struct tobi_policy *policy, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(policy->tiers[i], policy->tiers[at]) == 0)
			return false;
	}
	return true;
}

/* Roots of a tier that is not accepted do nothing, and look as if they did. */
static void add_unused(struct trust_writer *wr)
{
	const struct tobi_policy *policy = wr->policy;

	for (size_t i = 0; i < policy->root_count; i++) {
		bool used = false;

		used = policy_names_tier(policy, policy->roots[i].tier) ||
		       strcmp(policy->roots[i].tier, POLICY_WRAPPERS) == 0;
		/* Of devices beside a CPU, whatever its tier. */
		used |= strncmp(policy->roots[i].tier, "nvidia-", 7) == 0 &&
			(policy->gpu || policy_names_tier(policy, "nvidia-gpu"));
		if (!used)
			trust_add(
			    wr,
			    &(struct tobi_trust_line){
				.name = trust_text(wr, "roots for tier %s",
						   policy->roots[i].tier),
				.source = "roots",
				.does = "trusted for nothing: the tier is not accepted",
				.smaller = "remove them, so that nobody believes "
					   "they count"});
	}
}

/* What is trusted whatever a policy says. */
static void add_verifier(struct trust_writer *wr)
{
	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_SERVICE,
		      .name = "the machine that verifies",
		      .does = "runs this program, keeps the policy file, tells the time",
		      .bad = "could accept anything: whoever changes the policy, the "
			     "program or the clock there",
		      .smaller = "verify on a machine of your own, and keep the policy "
				 "where only you can write",
		      .party = "who has control of the machine that verifies"});
}

static void build(struct trust_writer *wr)
{
	const struct tobi_policy *policy = wr->policy;

	for (size_t i = 0; i < policy->tier_count; i++) {
		if (is_first(policy, i))
			add_tier(wr, policy->tiers[i], policy->tier_count > 1);
	}
	add_guest(wr);
	trust_nvidia_beside(wr);
	trust_wrappers(wr);
	add_unused(wr);
	trust_programs(wr);
	trust_instances(wr);
	trust_freshness(wr);
	trust_allowances(wr);
	add_verifier(wr);
}

enum tobi_err tobi_trust_new(const struct tobi_policy *policy,
			     struct tobi_trust **ret_trust, struct tobi_fault *fault)
{
	CLEANUP(tobi_trust_freep) struct tobi_trust *trust = NULL;
	struct trust_writer wr = {.policy = policy};

	if (!policy || !ret_trust)
		return fault_set(fault, TOBI_E_ARGUMENT, "policy", "", "there is none");
	trust = calloc(1, sizeof(*trust));
	if (!trust)
		return fault_set(fault, TOBI_E_MEMORY, "trust", "", "out of memory");
	trust->arena = arena_init(LIMIT_APPRAISAL);
	wr.trust = trust;
	trust->policy_name = trust_text(&wr, "%s", policy->name);
	build(&wr);
	if (wr.err)
		return fault_set(fault, wr.err, "trust", "",
				 "the tree cannot be made: out of memory or too large");
	*ret_trust = TAKE(trust);
	return TOBI_OK;
}

void tobi_trust_free(struct tobi_trust *trust)
{
	if (!trust)
		return;
	arena_done(&trust->arena);
	free(trust);
}

const struct tobi_trust_line *tobi_trust_line(const struct tobi_trust *trust,
					      size_t index)
{
	return trust && index < trust->count ? &trust->lines[index] : NULL;
}

const char *tobi_trust_party(const struct tobi_trust *trust, size_t index)
{
	return trust && index < trust->party_count ? trust->parties[index] : NULL;
}
