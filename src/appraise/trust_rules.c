/* What a policy trusts whatever the tier: programs and who signs them, which of all
 * enclaves, how old things may be, insecure choices. */
#include "appraise/policy_reference.h"
#include "appraise/policy_section.h"
#include "appraise/trust.h"
#include "base/cleanup.h"
#include "pki/pinned.h"

static void add_images(struct trust_writer *wr)
{
	const struct bytes_list *images = &wr->policy->images;

	for (size_t i = 0; i < images->count; i++)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_IMAGE,
				  .name = "image",
				  .value = trust_hex(wr, images->items[i]),
				  .source = "images",
				  .does = "exactly this program",
				  .bad = "its holes and its authors' intentions are "
					 "yours",
				  .smaller = images->count > 1
						 ? "remove images that run no more"
						 : NULL});
}

static void add_signers(struct trust_writer *wr)
{
	const struct tobi_policy *policy = wr->policy;
	bool alone = policy->images.count == 0 && !policy->reference;

	for (size_t i = 0; i < policy->signers.count; i++) {
		const char *id = trust_hex(wr, policy->signers.items[i]);

		trust_add(
		    wr, &(struct tobi_trust_line){
			    .kind = TOBI_TRUST_SIGNER,
			    .name = "signer",
			    .value = id,
			    .source = "signers",
			    .does = alone ? "whatever it signs is accepted"
					  : "must have signed the image, too",
			    .bad = alone ? "could sign a program that hands out all it "
					   "is given"
					 : "nothing alone: the image is named, too",
			    .smaller = alone ? "name images instead of signers: then it "
					       "cannot replace the program"
					     : NULL,
			    .party =
				alone ? trust_text(wr, "the signer %.16s..", id) : NULL});
	}
}

static void add_reference_signer(struct trust_writer *wr, const char *id, bool alone)
{
	trust_add(
	    wr, &(struct tobi_trust_line){
		    .kind = TOBI_TRUST_SIGNER,
		    .name = "signer of reference values",
		    .value = id,
		    .source = "reference-values.signers",
		    .does = alone ? "says which programs run: what it lists is accepted"
				  : "must list the program that the policy names, too",
		    .bad = alone ? "could list a program that hands out all it is given"
				 : "nothing alone: the program is named, too",
		    .smaller =
			alone ? "name images, too: then it cannot add a program" : NULL,
		    .party = alone ? trust_text(
					 wr, "the signer of reference values %.16s..", id)
				   : NULL});
}

/* Who may say which programs run, by documents. */
static void add_references(struct trust_writer *wr)
{
	const struct policy_reference *reference = wr->policy->reference;
	bool alone = wr->policy->images.count == 0;

	if (!reference)
		return;
	for (size_t i = 0; i < reference->signers.hash_count; i++)
		add_reference_signer(wr, trust_hex(wr, reference->signers.hashes[i]),
				     alone);
	for (size_t i = 0; i < reference->signers.keys.count && !wr->err; i++) {
		uint8_t id[SHA384_SIZE];

		wr->err = key_spki_sha384(reference->signers.keys.keys[i], id, NULL);
		if (!wr->err)
			add_reference_signer(
			    wr, trust_hex(wr, (struct tobi_bytes){id, sizeof(id)}),
			    alone);
	}
	if (reference->signers.pins.count)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_SIGNER,
				  .name = "whom these CAs certify",
				  .source = "reference-values.signers",
				  .does = "may sign reference values, each of them",
				  .bad = "as their CA, which can certify anybody",
				  .smaller = "name the signer's key, not its CA"});
	if (reference->allow_unsigned)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_SIGNER,
				  .name = "whoever can write the reference values' files",
				  .source = "reference-values.unsigned",
				  .does = alone ? "says which programs run"
						: "must list the program, too",
				  .bad = "nobody signs for what is in them",
				  .smaller = "have them signed, and name the signer",
				  .party = "whoever can write the reference values"});
}

static void add_version(struct trust_writer *wr)
{
	const struct tobi_policy *policy = wr->policy;
	bool by_signer = policy->images.count == 0 && !policy->reference;

	if (policy->has_product || by_signer)
		trust_add(
		    wr, &(struct tobi_trust_line){
			    .kind = TOBI_TRUST_FLOOR,
			    .name = policy->has_product ? "only this product"
							: "any product of the signer",
			    .value = policy->has_product
					 ? trust_text(wr, "%llu",
						      (unsigned long long)policy->product)
					 : NULL,
			    .source = policy->has_product ? "product" : NULL,
			    .smaller = policy->has_product ? NULL : "name product"});
	if (policy->min_svn || by_signer)
		trust_add(
		    wr, &(struct tobi_trust_line){
			    .kind = TOBI_TRUST_FLOOR,
			    .name = policy->min_svn ? "security version at least"
						    : "any security version",
			    .value = policy->min_svn
					 ? trust_text(wr, "%llu",
						      (unsigned long long)policy->min_svn)
					 : NULL,
			    .source = policy->min_svn ? "min-svn" : NULL,
			    .smaller = policy->min_svn
					   ? NULL
					   : "name min-svn: releases with known holes "
					     "are accepted, too"});
}

static void add_launch(struct trust_writer *wr)
{
	const struct tobi_policy *policy = wr->policy;
	const struct bytes_list *agents = &policy->agents;

	for (size_t i = 0; i < agents->count; i++)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_IMAGE,
				  .name = "agent",
				  .value = trust_hex(wr, agents->items[i]),
				  .source = "agents",
				  .does = "the program that answers for the enclave",
				  .bad = "sees all that goes in and out"});
	trust_add(
	    wr,
	    &(struct tobi_trust_line){
		.kind = TOBI_TRUST_FLOOR,
		.name = policy->config_id.size ? "what the launch may add"
					       : "the launch may add anything",
		.value = policy->config_id.size ? trust_hex(wr, policy->config_id) : NULL,
		.source = policy->config_id.size ? "config-id" : NULL,
		.bad = policy->config_id.size
			   ? NULL
			   : "who launches it could lead the program astray with "
			     "arguments, variables, or configuration",
		.smaller = policy->config_id.size ? NULL : "name config-id"});
}

void trust_programs(struct trust_writer *wr)
{
	trust_open(wr, &(struct tobi_trust_line){.name = "programs"});
	add_images(wr);
	add_signers(wr);
	add_references(wr);
	add_version(wr);
	add_launch(wr);
	trust_boot(wr);
	trust_close(wr);
}

/* Each CA that a TLS peer's certificate may come from. */
static void add_authorities(struct trust_writer *wr, struct tobi_bytes pem,
			    const char *source, const char *does, const char *bad)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	size_t count = 0;

	if (!wr->err)
		wr->err = chain_read_pem(pem, source, &der, list, LIMIT_COSE_CHAIN,
					 &count, NULL);
	for (size_t i = 0; i < count && !wr->err; i++) {
		CLEANUP(X509_freep) X509 *certificate = NULL;
		uint8_t hash[SHA256_SIZE];
		char name[128];

		wr->err = chain_read_certificate(list[i], source, &certificate, NULL);
		if (!wr->err)
			wr->err =
			    key_spki_sha256(X509_get0_pubkey(certificate), hash, NULL);
		if (wr->err)
			break;
		certificate_name(certificate, name, sizeof(name));
		trust_add(wr,
			  &(struct tobi_trust_line){
			      .kind = TOBI_TRUST_ROOT,
			      .name = trust_text(wr, "%s", name),
			      .value = trust_text(
				  wr, "key SHA-256 %s",
				  trust_hex(wr, (struct tobi_bytes){hash, sizeof(hash)})),
			      .source = source,
			      .does = does,
			      .bad = bad});
	}
}

static void add_hardware(struct trust_writer *wr)
{
	const struct bytes_list *hardware = &wr->policy->hardware;

	for (size_t i = 0; i < hardware->count; i++)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_INSTANCE,
				  .name = "one on this hardware",
				  .value = trust_hex(wr, hardware->items[i]),
				  .source = "identity: hardware",
				  .does = "a broken chip elsewhere is of no use",
				  .smaller = hardware->count > 1
						 ? "remove hardware that is yours no more"
						 : NULL});
}

static void add_mode(struct trust_writer *wr, const char *name, const char *value,
		     const char *source, const char *does, const char *bad)
{
	trust_add(wr, &(struct tobi_trust_line){.kind = TOBI_TRUST_INSTANCE,
						.name = name,
						.value = value,
						.source = source,
						.does = does,
						.bad = bad});
}

void trust_instances(struct trust_writer *wr)
{
	const struct tobi_policy *policy = wr->policy;

	trust_open(wr, &(struct tobi_trust_line){.name = "which enclave"});
	switch (policy->identity) {
	case IDENTITY_ANY_INSTANCE:
		trust_add(
		    wr,
		    &(struct tobi_trust_line){
			.kind = TOBI_TRUST_ALLOWANCE,
			.name = "any instance",
			.source = "identity: any-instance",
			.does = "whoever launches such an enclave has one that counts",
			.bad = "who is on the way could divert you to an enclave of "
			       "their own, on a machine of their own",
			.smaller = "pin platforms: identity: hardware; or name owner, "
				   "config-id or ca"});
		break;
	case IDENTITY_HARDWARE:
		add_hardware(wr);
		break;
	case IDENTITY_CONFIG_ID:
		add_mode(wr, "one with this launch configuration",
			 trust_hex(wr, policy->config_id), "identity: config-id",
			 "whoever knows the configuration can launch one", NULL);
		break;
	case IDENTITY_OWNER:
		add_mode(wr, "one launched for this owner", trust_hex(wr, policy->owner),
			 "identity: owner", "only the owner's key can send secrets to it",
			 "others can launch one for the same key");
		break;
	case IDENTITY_CA:
		add_mode(wr, "one whose TLS certificate is for the name",
			 policy->host_name ? trust_text(wr, "%s", policy->host_name)
					   : "of the connection",
			 "identity: ca", NULL, NULL);
		add_authorities(wr, policy->ca_pem, "identity: ca",
				"says which TLS key is whose",
				"could name an enclave of somebody else; not a program "
				"outside of one");
		break;
	}
	trust_close(wr);
}

/* The tiers whose evidence says no time, one after the other; "" for none. */
static const char *tiers_without_time(struct trust_writer *wr)
{
	static const char *const timeless[] = {
	    "sgx", "tdx", "snp",       "sev",	    "cca",
	    "psa", "tpm", "azure-snp", "azure-tdx", "nvidia-gpu"};
	const char *named[sizeof(timeless) / sizeof(timeless[0])];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(timeless) / sizeof(timeless[0]); i++) {
		if (policy_names_tier(wr->policy, timeless[i]))
			named[count++] = timeless[i];
	}
	return trust_join(wr, named, count);
}

/* What max-age does not bound. */
static void add_timeless(struct trust_writer *wr)
{
	const char *tiers = tiers_without_time(wr);
	bool ratls = wr->policy->channel == CHANNEL_RATLS;

	if (!tiers[0])
		return;
	trust_add(
	    wr, &(struct tobi_trust_line){
		    .kind = TOBI_TRUST_FRESHNESS,
		    .name = "evidence that says no time",
		    .value = tiers,
		    .does = ratls ? "may be of any age in a certificate"
				  : "only your nonce or session shows that it is new",
		    .bad = ratls ? "whoever has the key of an old certificate can write "
				   "a new one around the old evidence"
				 : NULL,
		    .smaller = ratls && !wr->policy->bundle_signers.count
				   ? "give collateral of your own: then evidence of a "
				     "platform of before an update is noticed"
				   : NULL});
}

void trust_freshness(struct trust_writer *wr)
{
	const struct tobi_policy *policy = wr->policy;
	bool hour = policy->max_age <= 3600;

	trust_open(wr, &(struct tobi_trust_line){.name = "freshness"});
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_FRESHNESS,
			  .name = "evidence and sessions at most",
			  .value = trust_text(wr, "%lld seconds old",
					      (long long)policy->max_age),
			  .source = "max-age",
			  .bad = "what is found or revoked meanwhile is not noticed",
			  .smaller = hour ? NULL : "lower max-age"});
	add_timeless(wr);
	if (!policy->allow_no_nonce && policy->channel == CHANNEL_ATLS)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_FRESHNESS,
				  .name = "made for your nonce or your session",
				  .does = "old evidence shown again is refused"});
	trust_close(wr);
}

static void allow(struct trust_writer *wr, const char *name, const char *bad,
		  const char *source, const char *smaller, const char *party)
{
	trust_add(wr, &(struct tobi_trust_line){.kind = TOBI_TRUST_ALLOWANCE,
						.name = name,
						.source = source,
						.bad = bad,
						.smaller = smaller,
						.party = party});
}

void trust_allowances(struct trust_writer *wr)
{
	const struct tobi_policy *policy = wr->policy;

	if (!policy->allow_debug && !policy->allow_no_nonce &&
	    !policy->allow_user_launch && !policy->allow_unknown_config &&
	    policy->channel == CHANNEL_ATLS)
		return;
	trust_open(wr, &(struct tobi_trust_line){.name = "insecure choices"});
	if (policy->allow_debug)
		allow(wr, "debugging",
		      "whoever has control of the host can read and change the enclave",
		      "allow: debug", "remove allow: debug",
		      "who has control of the host of an enclave");
	if (policy->allow_no_nonce)
		allow(wr, "evidence without a nonce",
		      "who has seen old evidence could show it again", "allow: no-nonce",
		      "remove allow: no-nonce", NULL);
	if (policy->allow_user_launch)
		allow(wr, "a launch by an ordinary user",
		      "other processes of that user could look in", "allow: user-launch",
		      "remove allow: user-launch", NULL);
	if (policy->allow_unknown_config)
		allow(wr, "a configuration that nobody has shown",
		      "the host could have launched it with anything",
		      "allow: unknown-config", "remove allow: unknown-config", NULL);
	if (policy->channel == CHANNEL_RATLS)
		allow(wr, "evidence in a certificate",
		      "whoever has the certificate's key could show it again, and read "
		      "the session",
		      "channel: ra-tls", "remove channel: ra-tls",
		      "who has got hold of the key of a certificate with evidence");
	trust_close(wr);
}
