#include <string.h>
#include <time.h>

#include "appraise/trust.h"
#include "base/cleanup.h"
#include "base/hex.h"
#include "pki/pinned.h"

enum { DAY = 24 * 3600 };

static const struct policy_root *root_of(const struct tobi_policy *policy,
					 const char *tier)
{
	for (size_t i = 0; i < policy->root_count; i++) {
		if (strcmp(policy->roots[i].tier, tier) == 0)
			return &policy->roots[i];
	}
	return NULL;
}

static const struct vendor_root *vendor_of(const char *tier, const char *key)
{
	const struct vendor_root *root;

	for (size_t i = 0; (root = vendor_root_at(i)); i++) {
		if (strcmp(root->tier, tier) == 0 && strcmp(root->key, key) == 0)
			return root;
	}
	return NULL;
}

static void add_root(struct trust_writer *wr, const struct trust_vendor *vendor,
		     const char *name, const char *key, const char *source,
		     const char *party, void (*inside)(struct trust_writer *wr))
{
	trust_open(
	    wr, &(struct tobi_trust_line){.kind = TOBI_TRUST_ROOT,
					  .name = name,
					  .value = trust_text(wr, "key SHA-256 %s", key),
					  .source = source,
					  .does = vendor->does,
					  .bad = vendor->bad,
					  .party = party});
	if (inside)
		inside(wr);
	trust_close(wr);
}

/* A certificate that the policy names: its key is what counts, its name is for people. */
static void add_named(struct trust_writer *wr, const struct trust_vendor *vendor,
		      struct tobi_bytes der, void (*inside)(struct trust_writer *wr))
{
	CLEANUP(X509_freep) X509 *certificate = NULL;
	uint8_t hash[SHA256_SIZE];
	char key[2 * SHA256_SIZE + 1], name[128];
	const struct vendor_root *known;
	const char *party;

	if (wr->err)
		return;
	wr->err = chain_read_certificate(der, "root", &certificate, NULL);
	if (!wr->err)
		wr->err = key_spki_sha256(X509_get0_pubkey(certificate), hash, NULL);
	if (wr->err)
		return;
	hex_write((struct tobi_bytes){hash, sizeof(hash)}, key, sizeof(key));
	certificate_name(certificate, name, sizeof(name));
	known = vendor_of(vendor->tier, key);
	party = known ? vendor->party
		      : trust_text(wr, "the holder of the key %.16s.. (%s)", key, name);
	add_root(wr, vendor, known ? known->name : trust_text(wr, "%s", name), key,
		 known ? trust_text(wr, "roots; published by %s", known->source)
		 : vendor->party
		     ? "roots; none of the vendors' keys that this build knows"
		     : "roots",
		 party, inside);
}

/* A bare public key: what it is called nobody says. */
static void add_key(struct trust_writer *wr, const struct trust_vendor *vendor,
		    const uint8_t spki[static SHA256_SIZE],
		    void (*inside)(struct trust_writer *wr))
{
	char key[2 * SHA256_SIZE + 1];

	hex_write((struct tobi_bytes){spki, SHA256_SIZE}, key, sizeof(key));
	add_root(wr, vendor, "a public key", key, "roots",
		 trust_text(wr, "the holder of the key %.16s..", key), inside);
}

static void add_own(struct trust_writer *wr, const struct trust_vendor *vendor,
		    const struct policy_root *root,
		    void (*inside)(struct trust_writer *wr))
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[LIMIT_COSE_CHAIN] = {{0}};
	size_t count = 0;

	if (!wr->err)
		wr->err = chain_read_pem(root->anchors_pem, "roots", &der, list,
					 LIMIT_COSE_CHAIN, &count, NULL);
	count += root->keys.count;
	trust_open(wr,
		   &(struct tobi_trust_line){
		       .name = trust_text(wr, "roots: %zu, named by the policy", count),
		       .smaller = count > 1 ? trust_text(wr,
							 "remove those of the %zu "
							 "roots for tier %s that "
							 "you do not need",
							 count, vendor->tier)
					    : NULL});
	for (size_t i = 0; i < root->keys.count; i++)
		add_key(wr, vendor, root->keys.spki[i], inside);
	for (size_t i = 0; i < count - root->keys.count; i++)
		add_named(wr, vendor, list[i], inside);
	trust_close(wr);
}

static void add_vendors(struct trust_writer *wr, const struct trust_vendor *vendor,
			void (*inside)(struct trust_writer *wr))
{
	size_t count = vendor_root_pins(vendor->tier).count;
	const struct vendor_root *root;

	trust_open(
	    wr, &(struct tobi_trust_line){
		    .name = trust_text(
			wr, "roots: %zu, of the vendor; the policy names none", count),
		    .smaller = count > 1 ? trust_text(wr,
						      "name roots for tier %s: today %zu "
						      "product roots are trusted",
						      vendor->tier, count)
					 : NULL});
	for (size_t i = 0; (root = vendor_root_at(i)); i++) {
		if (strcmp(root->tier, vendor->tier) == 0)
			add_root(wr, vendor, root->name, root->key,
				 trust_text(wr, "published by %s", root->source),
				 vendor->party, inside);
	}
	trust_close(wr);
}

void trust_roots(struct trust_writer *wr, const struct trust_vendor *vendor,
		 void (*inside)(struct trust_writer *wr))
{
	const struct policy_root *root = root_of(wr->policy, vendor->tier);

	if (root)
		add_own(wr, vendor, root, inside);
	else
		add_vendors(wr, vendor, inside);
}

static const char *span(struct trust_writer *wr, int64_t seconds)
{
	if (seconds % DAY)
		return trust_text(wr, "%lld seconds", (long long)seconds);
	return trust_text(wr, "%lld day%s", (long long)(seconds / DAY),
			  seconds == DAY ? "" : "s");
}

void trust_collateral(struct trust_writer *wr, const char *who)
{
	const struct tobi_policy *policy = wr->policy;
	char date[32] = "";
	time_t time = (time_t)policy->baseline;
	struct tm tm;

	/* What a certificate brings stands in for documents that nobody gave. */
	if (policy->channel == CHANNEL_RATLS && !policy->bundle_signers.count)
		who = trust_text(wr, "%s, or the certificate with the evidence", who);
	if (policy->baseline && gmtime_r(&time, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
	trust_open(wr, &(struct tobi_trust_line){
			   .kind = TOBI_TRUST_SERVICE,
			   .name = "whoever brings the vendor's documents",
			   .source = who,
			   .does = "hands over signed lists: what is revoked, which "
				   "firmware is current",
			   .bad = "could keep back the newest list while the last one "
				  "is valid; cannot write one"});
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_FRESHNESS,
			  .name = policy->grace ? "lists count past their date"
						: "lists count until their own date",
			  .value = policy->grace ? span(wr, policy->grace) : NULL,
			  .source = policy->grace ? "collateral: grace" : NULL,
			  .smaller = policy->grace ? "lower collateral: grace" : NULL});
	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_FRESHNESS,
		      .name = policy->baseline ? "older lists do not count"
					       : "any list that is still valid counts",
		      .value = trust_text(wr, "%s", date),
		      .source = policy->baseline ? "collateral: baseline" : NULL,
		      .smaller = policy->baseline
				     ? NULL
				     : "name collateral: baseline, the day of the last "
				       "hole that you know of"});
	if (policy->bundle_signers.count)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_SIGNER,
				  .name = "only from bundles that one of these signed",
				  .value = trust_list(wr, policy->bundle_signers.items,
						      policy->bundle_signers.count, true),
				  .source = "collateral: signers",
				  .bad = "could keep back the newest list"});
	trust_close(wr);
}
