#include "tee/eat.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "pki/key.h"
#include "tee/eat_submods.h"
#include "tee/token_signer.h"
#include "tee/token_time.h"
#include "token/ear.h"
#include "token/soft_token.h"

static const struct check check_format = {
    "EAT-FORMAT", "each claim of the token has the form that it must have",
    "RFC 9711 section 4", "Whoever made the token is faulty, or it is damaged."};
static const struct check check_profile = {
    "EAT-PROFILE", "the token keeps the rules of the profile that it names",
    "RFC 9711 section 6.3", "Whoever made the token is faulty. Do not use it."};
static const struct check check_signer = {
    "EAT-SIGNER", "somebody whom the policy trusts has the key that signed the token",
    "Tobichi protocols, section 17.1; RFC 9711 section 9.1",
    "If you trust that attester, name its public key or its CA in the policy's roots, "
    "tier eat."};
static const struct check check_signature = {
    "EAT-SIGNATURE", "that key signed exactly this token",
    "RFC 7515 section 5.2; RFC 9052 section 4.4",
    "The token was changed after it was signed. Do not use it."};
static const struct check check_time = {
    "EAT-TIME", "the token's time is not in the future, and it has not expired",
    "RFC 8392 section 3.1; RFC 9711 section 4.3.1",
    "Ask for a new token; set the clocks of both machines."};
static const struct check check_submods = {
    "EAT-SUBMODS",
    "each submodule is proven: claims by the token, tokens by their own signature, "
    "detached claims by their digest",
    "RFC 9711 sections 4.2.18 and 5",
    "Name the key of that submodule's attester in the roots, tier eat; or name the "
    "submodule in eat: unproven-submods, if nobody relies on it."};
static const struct check check_binding = {
    "EAT-BINDING", "the token was made for exactly these claims",
    "Tobichi protocols, section 17.2",
    "The token belongs to another request. Ask for it again with your own nonce."};

static const struct check *const checks[] = {
    &check_format, &check_profile, &check_signer,  &check_signature,
    &check_time,   &check_submods, &check_binding, NULL,
};

/* Of the constrained device standard profile; other profiles' rules are theirs. */
static const char *wrong_by_profile(const struct eat *eat,
				    const struct eat_bundle *bundle,
				    const struct signed_token *token)
{
	if (eat->is_json)
		return "it is no CBOR";
	if (bundle->is_bundle)
		return "it is a bundle";
	if (token->alg != COSE_ES256 && token->alg != COSE_ES384 &&
	    token->alg != COSE_ES512)
		return "it is signed with another algorithm than ES256, ES384, ES512";
	if (eat->nonce_given != 1)
		return "it has not exactly one nonce";
	if (!eat->ueid.size && !token->sign1.kid.size)
		return "neither a kid nor a UEID says whose key signed it";
	return NULL;
}

static void examine_profile(const struct eat *eat, const struct eat_bundle *bundle,
			    const struct signed_token *token, struct checklist *list)
{
	const char *wrong;

	if (!eat->profile || strcmp(eat->profile, EAT_PROFILE_CONSTRAINED) != 0) {
		check_not_asked(list, &check_profile,
				"its profile has no rules that are known here");
		return;
	}
	wrong = wrong_by_profile(eat, bundle, token);
	check_record(list, &check_profile, !wrong,
		     "a token of the constrained device standard profile", wrong);
}

/* Which of them may stay unproven is the policy's: claims->eat has them all. */
static bool may_be_unproven(const struct tee_request *request, const char *path)
{
	for (size_t i = 0; i < request->unproven_count; i++) {
		if (bytes_equal_text(request->unproven[i], path))
			return true;
	}
	return false;
}

static void examine_submods(const struct tee_request *request, const struct eat *eat,
			    struct checklist *list)
{
	for (size_t i = 0; i < eat->submod_count; i++) {
		const struct eat_submod *submod = &eat->submods[i];

		if (submod->proven || may_be_unproven(request, submod->path))
			continue;
		check_record(list, &check_submods, false, "a proof for each submodule",
			     arena_printf(list->arena, "%s: %s", submod->path,
					  submod->wrong ? submod->wrong : "none"));
		return;
	}
	check_record(list, &check_submods, true, "", "");
}

/* Attested TLS, section 5.3: the nonce is the hash of the claims. */
static void examine_binding(const struct tee_request *request, const struct eat *eat,
			    struct checklist *list)
{
	uint8_t hash[SHA256_SIZE];
	struct tobi_bytes expected = {hash, sizeof(hash)};

	if (!request->claims_buffer.size)
		check_not_asked(list, &check_binding, "it came without claims");
	else if (!hash_sha256(request->claims_buffer, hash))
		check_record_equal(list, &check_binding, expected,
				   eat->nonce_count ? eat->nonces[0]
						    : (struct tobi_bytes){0});
}

/* ---- what it says, for people ---- */

static void show_text(struct tee_claims *claims, struct arena *arena, const char *name,
		      const char *text)
{
	if (text)
		tee_fact(claims, arena, name, "%s", text);
}

static void show_submods(const struct eat *eat, struct arena *arena,
			 struct tee_claims *claims)
{
	static const char *const kinds[] = {[EAT_CLAIMS] = "claims",
					    [EAT_TOKEN] = "a token of its own",
					    [EAT_DETACHED] = "detached claims",
					    [EAT_WRAPPED] = "wrapped (CMW)"};

	for (size_t i = 0; i < eat->submod_count; i++) {
		const struct eat_submod *submod = &eat->submods[i];

		tee_fact(claims, arena, arena_printf(arena, "submodule %s", submod->path),
			 "%s%s%s%s%s%s%s%s%s", kinds[submod->kind],
			 submod->type ? ", " : "", submod->type ? submod->type : "",
			 submod->proven ? "" : ", NOT PROVEN: ",
			 submod->proven || !submod->wrong ? "" : submod->wrong,
			 submod->swname ? ", software " : "",
			 submod->swname ? submod->swname : "",
			 submod->profile ? ", profile " : "",
			 submod->profile ? submod->profile : "");
	}
}

static void show(const struct eat *eat, struct arena *arena, struct tee_claims *claims)
{
	tee_fact(claims, arena, "profile of the token", "%s",
		 eat->profile ? eat->profile : "none named");
	show_text(claims, arena, "issuer", eat->issuer);
	show_text(claims, arena, "subject", eat->subject);
	if (eat->issued)
		tee_fact(claims, arena, "issued", "%s",
			 token_time_text(arena, eat->issued));
	if (eat->expires)
		tee_fact(claims, arena, "expires", "%s",
			 token_time_text(arena, eat->expires));
	show_text(claims, arena, "software", eat->swname);
	show_text(claims, arena, "software's version", eat->swversion);
	tee_fact(claims, arena, "debugging", "%s%s", eat_dbgstat_name(eat->dbgstat),
		 eat->dbgstat == EAT_DEBUG_UNSAID ? ": counts as enabled" : "");
	if (eat->has_oemboot)
		tee_fact(claims, arena, "maker's boot", "%s",
			 eat->oemboot ? "only what the maker authorised was started"
				      : "not authorised by the maker");
	if (eat->ueid.size)
		tee_fact_hex(claims, arena, "device (UEID)", eat->ueid);
	show_text(claims, arena, "maker of the hardware", eat->oemid);
	show_text(claims, arena, "model", eat->hwmodel);
	show_text(claims, arena, "model's version", eat->hwversion);
	if (eat->has_uptime)
		tee_fact(claims, arena, "up for", "%" PRId64 " s", eat->uptime);
	if (eat->has_bootcount)
		tee_fact(claims, arena, "started", "%" PRId64 " times", eat->bootcount);
	if (eat->intuse > 0)
		tee_fact(claims, arena, "made for", "%s", eat_intuse_name(eat->intuse));
	for (size_t i = 0; i < eat->nonce_count && i < 1; i++)
		tee_fact_hex(claims, arena, "nonce", eat->nonces[i]);
	show_submods(eat, arena, claims);
	if (eat->unknown)
		tee_fact(claims, arena, "other claims", "%zu, not known here",
			 eat->unknown);
}

static void take_claims(const struct eat *eat, struct arena *arena,
			struct tee_claims *claims)
{
	claims->tier = tee_eat.tier;
	claims->eat = eat;
	claims->root_kind = "signer";
	claims->hardware = eat->ueid;
	claims->issued = eat->issued;
	claims->timeless = eat->issued == 0;
	/* Nothing said is nothing proven. */
	claims->debug = eat->dbgstat <= EAT_DEBUG_ENABLED;
	claims->nonces = eat->nonces;
	claims->nonce_count = eat->nonce_count;
	if (eat->nonce_count)
		claims->nonce = eat->nonces[0];
	show(eat, arena, claims);
}

static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	CLEANUP(signed_token_done) struct signed_token token = {0};
	struct eat_bundle *bundle = arena_alloc(list->arena, sizeof(*bundle));
	struct eat *eat = arena_alloc(list->arena, sizeof(*eat));
	struct tobi_fault wrong = {0};
	char text[400] = "";
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	if (!bundle || !eat)
		return TOBI_E_MEMORY;
	err = eat_bundle_read(request->evidence, list->arena, bundle, fault);
	if (!err)
		err = signed_token_read(bundle->token, "token", &token, fault);
	if (err)
		return err;
	ret_claims->tier = tee_eat.tier;
	err = eat_read(token.tree, token.is_jwt, list->arena, eat, &wrong);
	if (!err)
		err = eat_submods_examine(request, token.tree, bundle, list->arena, eat,
					  &wrong);
	if (err == TOBI_E_MEMORY)
		return err;
	if (err)
		tobi_fault_print(&wrong, text, sizeof(text));
	if (!check_record(list, &check_format, !err, "claims as RFC 9711 has them", text))
		return TOBI_OK;
	take_claims(eat, list->arena, ret_claims);
	examine_profile(eat, bundle, &token, list);
	signed_token_examine(request, &token, &check_signer, &check_signature, list);
	token_time_examine(
	    request, &(struct token_times){eat->issued, eat->not_before, eat->expires},
	    &check_time, list);
	examine_submods(request, eat, list);
	examine_binding(request, eat, list);
	return TOBI_OK;
}

/* Last in the table of kinds: those of a profile of their own come first. The soft tier's
 * token is of a collection, with claims. */
static bool is_eat(struct tobi_bytes evidence, struct arena *arena)
{
	CLEANUP(signed_token_done) struct signed_token token = {0};
	struct eat_bundle bundle;
	const char *profile;

	if (eat_bundle_read(evidence, arena, &bundle, NULL) ||
	    signed_token_read(bundle.token, "token", &token, NULL))
		return false;
	profile = json_string_value(json_object_get(token.tree, "eat_profile"));
	return eat_is(token.tree) && !ear_is(token.tree) &&
	       !(profile && strcmp(profile, SOFT_PROFILE) == 0);
}

static bool recognise(struct tobi_bytes evidence)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	bool is = is_eat(evidence, &arena);

	arena_done(&arena);
	return is;
}

const struct tee_verifier tee_eat = {
    "eat", "eat-token", "application/eat+cwt", 0, checks, recognise, examine};
