#include "tee/cca.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "tee/arm_facts.h"
#include "tee/cca_key.h"

#define RMM "Arm RMM specification, section A7.2"
#define DRAFT "draft-ffm-rats-cca-token"

static const struct check check_algorithm = {
    "CCA-ALGORITHM", "both tokens are signed with ECDSA, and what is signed says how",
    RMM "; RFC 9052 section 3.1", "Somebody else than a CCA platform made it."};
static const struct check check_profile = {
    "CCA-PROFILE", "the platform's and the realm's token are of profiles known here",
    DRAFT "; Tobichi protocols, section 14.8",
    "Update this verifier; do not read claims that it does not know."};
static const struct check check_platform = {
    "CCA-PLATFORM-CLAIMS",
    "the platform's token has the claims of its profile, each of its type and size",
    DRAFT ", section 4.2",
    "Ask for the token again; if it stays so, the firmware makes another kind."};
static const struct check check_realm = {
    "CCA-REALM-CLAIMS",
    "the realm's token has the claims of its profile, each of its type and size",
    RMM "; " DRAFT,
    "Ask for the token again; if it stays so, the RMM makes another kind."};
static const struct check check_signature = {
    "CCA-PLATFORM-SIGNATURE",
    "a key that is trusted for this platform signed exactly the platform's token",
    RMM "; RFC 9052 section 4.4",
    "Name the platform's public key (CPAK) in the policy's roots, tier cca; its maker "
    "gives it by implementation and instance id."};
static const struct check check_key = {
    "CCA-REALM-KEY",
    "the realm's key (RAK) can be read in the form of its profile, and is on its curve",
    RMM "; Tobichi protocols, section 14.8",
    "The realm's token is damaged, or made up. Do not use it."};
static const struct check check_binding = {
    "CCA-BINDING", "the platform vouches for the key that signed the realm's token", RMM,
    "A realm's token of somebody else was put beside this platform's. Do not use it."};
static const struct check check_realm_signature = {
    "CCA-REALM-SIGNATURE", "the realm's key signed exactly the realm's token",
    RMM "; RFC 9052 section 4.4",
    "The realm's token was changed after it was signed. Do not use it."};
static const struct check check_report_data = {
    "CCA-REPORT-DATA", "the realm's challenge is made of exactly these claims",
    "Tobichi protocols, section 14.8; attested TLS, section 5.3",
    "The evidence belongs to another request. Ask for it again with your own nonce."};

static const struct check *const checks[] = {
    &check_algorithm,	&check_profile, &check_platform, &check_realm,
    &check_signature,	&check_key,	&check_binding,	 &check_realm_signature,
    &check_report_data, NULL,
};

static void key_unref(struct cca_key **key)
{
	if (*key)
		memo_unref(&(*key)->head);
}

/* ---- what it says ---- */

static void add_digest(struct tee_claims *out, struct arena *arena,
		       const struct tee_environment *realm, const char *name,
		       struct tobi_bytes value)
{
	struct tee_measurement *measurement = tee_measurement_add(out, arena);

	if (!measurement || !value.size)
		return;
	measurement->environment = realm;
	measurement->mkey = TEE_MKEY_TEXT;
	measurement->text = name;
	measurement->image = strcmp(name, "rim") == 0;
	measurement->digests[0] =
	    (struct tee_digest){arm_digest_algorithm(value.size), value};
	measurement->digest_count = 1;
}

/* The same as registers of one measurement without a key. */
static void add_registers(const struct arm_claims *realm, struct arena *arena,
			  const struct tee_environment *environment,
			  struct tee_claims *out)
{
	static const char *const names[] = {"rim", "rem0", "rem1", "rem2", "rem3"};
	struct tee_measurement *measurement = tee_measurement_add(out, arena);
	struct tee_register *registers =
	    arena_array(arena, 1 + CCA_REMS, sizeof(*registers));

	if (!measurement || !registers)
		return;
	for (size_t i = 0; i < 1 + CCA_REMS; i++) {
		struct tobi_bytes value = i ? realm->rems[i - 1] : realm->values[ARM_RIM];

		registers[i].text = names[i];
		registers[i].digests[0] =
		    (struct tee_digest){arm_digest_algorithm(value.size), value};
		registers[i].digest_count = 1;
	}
	measurement->environment = environment;
	measurement->image = true;
	measurement->registers = registers;
	measurement->register_count = 1 + CCA_REMS;
	measurement->image_register = &registers[0];
}

/* A realm is known by its RIM; its class is the publisher's to name. */
static const struct tee_environment *realm_environment(const struct arm_claims *realm,
						       struct arena *arena)
{
	struct tee_environment *environment = arena_alloc(arena, sizeof(*environment));

	if (environment)
		*environment = (struct tee_environment){
		    .class_kind = TEE_CLASS_ANY_UUID, .instance = realm->values[ARM_RIM]};
	return environment;
}

/* draft-ydb-rats-cca-endorsements: the platform as PSA's, its configuration; the realm's
 * registers, in an environment of its own. */
static void add_measurements(const struct cca_claims *cca, struct arena *arena,
			     struct tee_claims *out)
{
	static const char *const names[CCA_REMS] = {"rem0", "rem1", "rem2", "rem3"};
	const struct tee_environment *realm = realm_environment(&cca->realm, arena);
	struct tee_measurement *config = tee_measurement_add(out, arena);

	if (config) {
		config->mkey = TEE_MKEY_TEXT;
		config->text = "cca.platform-config";
		config->raw = cca->platform.values[ARM_CONFIG];
	}
	if (realm) {
		add_digest(out, arena, realm, "rim", cca->realm.values[ARM_RIM]);
		for (size_t i = 0; i < CCA_REMS; i++)
			add_digest(out, arena, realm, names[i], cca->realm.rems[i]);
		add_registers(&cca->realm, arena, realm, out);
	}
	arm_measurements(&cca->platform, arena, out);
}

static void add_realm(const struct arm_claims *realm, struct arena *arena,
		      struct tee_claims *out)
{
	static const char *const names[CCA_REMS] = {"REM 0", "REM 1", "REM 2", "REM 3"};

	tee_fact_hex(out, arena, "RIM", realm->values[ARM_RIM]);
	for (size_t i = 0; i < CCA_REMS; i++)
		tee_fact_hex(out, arena, names[i], realm->rems[i]);
	tee_fact(out, arena, "realm's hash", "%s",
		 tee_text(arena, realm->values[ARM_HASH], TEE_TEXT_MAX));
	tee_fact_hex(out, arena, "personalisation value",
		     realm->values[ARM_PERSONALIZATION]);
	tee_fact_hex(out, arena, "realm challenge", realm->values[ARM_NONCE]);
	if (realm->values[ARM_PROFILE].ptr)
		tee_fact(out, arena, "realm's profile", "%s",
			 tee_text(arena, realm->values[ARM_PROFILE], TEE_TEXT_MAX));
	if (realm->values[ARM_INSTANCE].ptr)
		tee_fact_hex(out, arena, "realm instance id",
			     realm->values[ARM_INSTANCE]);
	if (realm->has[ARM_MEC])
		tee_fact(out, arena, "memory encryption", "%s",
			 realm->numbers[ARM_MEC] == 1 ? "private: a key of this realm"
						      : "shared: one key of all realms");
}

static void take_claims(const struct cca_claims *cca, struct arena *arena,
			struct tee_claims *out)
{
	const struct arm_claims *realm = &cca->realm;

	out->tier = tee_cca.tier;
	out->root_kind = "hardware";
	out->cca = cca;
	out->timeless = true;
	out->image_id = realm->values[ARM_RIM];
	out->config_id = realm->values[ARM_PERSONALIZATION];
	out->hardware = cca->platform.values[ARM_INSTANCE];
	out->instance = realm->values[ARM_INSTANCE];
	out->debug = arm_lifecycle_is_debug(cca->platform.numbers[ARM_LIFECYCLE]);
	if (realm->values[ARM_NONCE].size == CCA_CHALLENGE_SIZE)
		out->report_data = out->nonce = realm->values[ARM_NONCE];
	out->environment = arm_environment(&cca->platform);
	add_realm(realm, arena, out);
	arm_facts_device(&cca->platform, arena, out);
	add_measurements(cca, arena, out);
}

/* ---- what it proves ---- */

static void examine_form(const struct cca_token *token, const struct cca_claims *cca,
			 bool known, struct checklist *list)
{
	bool ecdsa =
	    arm_token_is_ecdsa(&token->platform) && arm_token_is_ecdsa(&token->realm);

	check_record(list, &check_algorithm, ecdsa, "ES256, ES384 or ES512",
		     ecdsa ? "" : "another algorithm, or none in the protected header");
	check_record(list, &check_profile, known, "profiles that are known",
		     known ? "" : "a profile that is not known here");
	check_record(list, &check_platform, !cca->platform.wrong[0],
		     "the claims of its profile", cca->platform.wrong);
	check_record(list, &check_realm, !cca->realm.wrong[0],
		     "the claims of its profile", cca->realm.wrong);
}

/* Over the bytes of the claim as they came, whatever they mean. */
static void examine_binding(const struct cca_claims *cca, struct checklist *list)
{
	const struct arm_claims *realm = &cca->realm;
	uint8_t hash[64];
	size_t size = 0;

	if (cca_key_hash(realm->values[ARM_KEY], realm->values[ARM_KEY_HASH], hash,
			 &size))
		check_record_equal(list, &check_binding, (struct tobi_bytes){hash, size},
				   cca->platform.values[ARM_NONCE]);
}

static enum tobi_err examine_keys(const struct tee_request *request,
				  const struct cca_token *token,
				  const struct cca_claims *cca, enum cca_key_form form,
				  struct checklist *list, struct tee_claims *out,
				  struct tobi_fault *fault)
{
	CLEANUP(key_unref) struct cca_key *key = NULL;
	enum tobi_err err = cca_key_get(token, cca, form, request, &key, fault);
	bool holds;

	if (err)
		return err;
	check_record(list, &check_signature, key->is_signed, "a key of the policy",
		     key->why);
	if (key->is_signed)
		tee_fact_hex(out, list->arena, "signed with",
			     (struct tobi_bytes){key->signer, SHA256_SIZE});
	if (!check_record(list, &check_key, key->rak, "a point on its curve",
			  key->rak_wrong))
		return TOBI_OK;
	holds = arm_token_holds(&token->realm, key->rak);
	check_record(list, &check_realm_signature, holds,
		     "a valid signature of the realm's key",
		     holds ? "" : "the signature does not verify");
	return TOBI_OK;
}

static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	struct cca_claims *cca = arena_alloc(list->arena, sizeof(*cca));
	enum cca_key_form form = CCA_KEY_POINT;
	struct cca_token token;
	bool known;
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	if (!cca)
		return fault_set(fault, TOBI_E_MEMORY, "CCA token", "", "out of memory");
	err = cca_token_parse(request->evidence, list->arena, &token, fault);
	if (!err)
		err = cca_claims_read(&token, cca, fault);
	if (err)
		return err;
	take_claims(cca, list->arena, ret_claims);
	known =
	    cca_realm_profile(&cca->realm, &form) && cca_platform_profile(&cca->platform);
	examine_form(&token, cca, known, list);
	examine_binding(cca, list);
	/* Of an unknown profile nobody can tell how the key is written. */
	if (known)
		err = examine_keys(request, &token, cca, form, list, ret_claims, fault);
	if (err)
		return err;
	arm_facts_components(&cca->platform, list->arena, ret_claims);
	tee_check_report_data(request, list, &check_report_data, ret_claims->report_data);
	return TOBI_OK;
}

const struct tee_verifier tee_cca = {
    "cca",	  "cca-token", "application/vnd.tobichi.cca-token", 0, checks,
    cca_token_is, examine};
