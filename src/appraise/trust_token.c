/* Whom the tiers eat and ear include: whoever signs, and what he says. */
#include "appraise/policy_ear.h"
#include "appraise/policy_eat.h"
#include "appraise/policy_roots.h"
#include "appraise/trust.h"
#include "base/secret.h"

static const struct trust_vendor signers = {
    .tier = "eat",
    .does = "signs, or certifies who signs, what attesters say of themselves",
    .bad = "could sign any claim of a device that does not exist"};
static const struct trust_vendor verifiers = {
    .tier = "ear",
    .does = "looks at evidence in your place, and signs what it thinks of it",
    .bad = "could call anything genuine: its evidence is not seen here"};

/* Bare keys have no name: their hash is what people compare. */
static void add_keys(struct trust_writer *wr, const struct trust_vendor *vendor)
{
	const struct tobi_policy *policy = wr->policy;

	for (size_t i = 0; i < policy->root_count; i++) {
		const struct policy_root *root = &policy->roots[i];

		if (!bytes_equal_text(bytes_of_text(root->tier), vendor->tier))
			continue;
		for (size_t j = 0; j < root->keys.count; j++) {
			const char *hex = trust_hex(
			    wr, (struct tobi_bytes){root->keys.spki[j], SHA256_SIZE});

			trust_add(wr, &(struct tobi_trust_line){
					  .kind = TOBI_TRUST_ROOT,
					  .name = "a key, without a certificate",
					  .value = trust_text(wr, "key SHA-256 %s", hex),
					  .source = "roots",
					  .does = vendor->does,
					  .bad = vendor->bad,
					  .party = trust_text(
					      wr, "the holder of the key %.16s..", hex)});
		}
	}
}

void trust_eat(struct trust_writer *wr)
{
	const struct policy_eat *eat = wr->policy->eat;

	if (policy_pins(wr->policy, "eat").count)
		trust_roots(wr, &signers, NULL);
	add_keys(wr, &signers);
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "eat: profiles",
				      "claims as these profiles define them",
				      "claims of the standard profile alone", NULL},
		  eat->profiles.count > 0,
		  trust_list(wr, eat->profiles.items, eat->profiles.count, false));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_IMAGE, "eat: sw-names",
				      "software of these names", "any software",
				      "name eat: sw-names"},
		  eat->sw_names.count > 0,
		  trust_list(wr, eat->sw_names.items, eat->sw_names.count, false));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_INSTANCE, "eat: hw-models",
				      "hardware of these models", NULL, NULL},
		  eat->hw_models.count > 0,
		  trust_list(wr, eat->hw_models.items, eat->hw_models.count, false));
	if (eat->unproven.count)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_SERVICE,
				  .name = "submodules that nothing proves",
				  .value = trust_list(wr, eat->unproven.items,
						      eat->unproven.count, false),
				  .source = "eat: unproven-submods",
				  .bad = "could say anything; nothing of it is asked for",
				  .smaller = "remove eat: unproven-submods"});
}

void trust_ear(struct trust_writer *wr)
{
	const struct policy_ear *ear = wr->policy->ear;

	if (policy_pins(wr->policy, "ear").count)
		trust_roots(wr, &verifiers, NULL);
	add_keys(wr, &verifiers);
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_SERVICE,
			  .name = "whom that verifier trusts: makers of hardware, its "
				  "reference values, its own operators",
			  .does = "decide there what is genuine, unseen from here",
			  .bad = "could have anything called genuine",
			  .smaller = "verify the evidence yourself (its own tier)"});
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_IMAGE, "ear: policies",
				      "what these policies of the verifier let pass",
				      "what any policy of the verifier lets pass",
				      "name ear: policies"},
		  ear->policies.count > 0,
		  trust_list(wr, ear->policies.items, ear->policies.count, false));
	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_FLOOR,
		      .name = ear->min_status == EAR_WARNING
				  ? "what the verifier warns of counts, too"
				  : "only what the verifier affirms",
		      .source = "ear: min-status",
		      .smaller = ear->min_status == EAR_WARNING ? "remove ear: min-status"
								: NULL});
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_INSTANCE, "ear: keys",
				      "attesters with one of these keys",
				      ear->bearer ? "whoever shows a result (bearer)"
						  : "any attester whose key is named",
				      ear->bearer ? "remove ear: binding"
						  : "name ear: keys, or give --with the "
						    "key that you have seen in use"},
		  ear->keys.count > 0,
		  trust_list(wr, ear->keys.items, ear->keys.count, true));
}

/* Certificates' keys and bare ones. */
static const char *keys_of(struct trust_writer *wr, const struct policy_root *root)
{
	const struct key_pins pins = policy_pins(wr->policy, POLICY_WRAPPERS);
	const char *all = "";

	for (size_t i = 0; i < pins.count + root->keys.count; i++) {
		const uint8_t *key =
		    i < pins.count ? pins.keys[i] : root->keys.spki[i - pins.count];

		all = trust_text(wr, "%s%s%s", all, i ? ", " : "",
				 trust_hex(wr, (struct tobi_bytes){key, SHA256_SIZE}));
	}
	return all;
}

void trust_wrappers(struct trust_writer *wr)
{
	const struct policy_root *root = policy_root_of(wr->policy, POLICY_WRAPPERS);
	bool wanted = policy_wants_wrapper(wr->policy);

	if (!root)
		return;
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_SIGNER,
			  .name = wanted ? "evidence counts in a wrapper alone that one "
					   "of these keys has signed"
					 : "whose signature on a wrapper counts",
			  .value = trust_text(wr, "key SHA-256 %s", keys_of(wr, root)),
			  .source = "roots: cmw",
			  .does = "says who handed the evidence on",
			  .bad = "nothing alone: what is in a wrapper is verified as it "
				 "is"});
}
