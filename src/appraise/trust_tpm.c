#include "appraise/policy_roots.h"
#include "appraise/policy_tpm.h"
#include "appraise/trust.h"
#include "tee/tpm_structs.h"

#define MAKE_UP "could certify a key outside of any TPM, and sign quotes of any machine"

static const struct trust_vendor vendor = {
    .tier = "tpm",
    .party = "Google or AWS",
    .does = "certifies attestation keys of TPMs, which sign what a machine has started",
    .bad = MAKE_UP};

/* A virtual TPM is a program of whoever runs the machine. */
static void add_operator(struct trust_writer *wr)
{
	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_SERVICE,
		      .name = "the firmware, the kernel and the administrators of the "
			      "machine; of a virtual TPM, the cloud as well",
		      .does = "are inside: a TPM tells what was started, and keeps "
			      "nobody out",
		      .bad = "could read and change all that runs there",
		      .smaller = "use a tier whose hardware keeps the host out (tdx, "
				 "snp)",
		      .party = "whoever is root on a machine with a certified TPM"});
}

static void add_keys(struct trust_writer *wr)
{
	const struct policy_root *root = policy_root_of(wr->policy, "tpm");

	for (size_t i = 0; root && i < root->keys.count; i++) {
		const char *key =
		    trust_hex(wr, (struct tobi_bytes){root->keys.spki[i], SHA256_SIZE});

		trust_add(wr,
			  &(struct tobi_trust_line){
			      .kind = TOBI_TRUST_KEY,
			      .name = "an attestation key",
			      .value = trust_text(wr, "key SHA-256 %s", key),
			      .source = "roots",
			      .does = "signs what its machine has started",
			      .bad = "if it is in no TPM after all, its holder could "
				     "quote anything",
			      .smaller = "have a CA certify it that activates it with "
					 "the TPM's endorsement key (tobichi platform "
					 "ak-challenge)",
			      .party = trust_text(wr, "the TPM of key %.16s..", key)});
	}
}

/* Where the section names some, they count instead of all others. */
static void add_anchors(struct trust_writer *wr, const struct policy_tpm *tpm)
{
	for (size_t i = 0; i < tpm->pins.count; i++) {
		const char *key =
		    trust_hex(wr, (struct tobi_bytes){tpm->pins.keys[i], SHA256_SIZE});

		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_ROOT,
				  .name = "a CA for attestation keys",
				  .value = trust_text(wr, "key SHA-256 %s", key),
				  .source = "tpm: anchors",
				  .does = vendor.does,
				  .bad = vendor.bad,
				  .party = trust_text(wr, "the holder of the key %.16s..",
						      key)});
	}
}

void trust_pcrs(struct trust_writer *wr, const struct policy_tpm *tpm)
{
	for (size_t i = 0; i < tpm->bank_count; i++) {
		for (unsigned j = 0; j < TPM_PCRS; j++) {
			if (!tpm->banks[i].pcrs[j].size)
				continue;
			trust_add(
			    wr, &(struct tobi_trust_line){
				    .kind = TOBI_TRUST_IMAGE,
				    .name = trust_text(wr, "PCR %u (%s)", j,
						       tpm_hash_name(tpm->banks[i].hash)),
				    .value = trust_hex(wr, tpm->banks[i].pcrs[j]),
				    .source = "tpm: pcrs"});
		}
	}
	for (size_t i = 0; i < tpm->digests.count; i++)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_IMAGE,
				  .name = "digest of the quoted PCRs",
				  .value = trust_hex(wr, tpm->digests.items[i]),
				  .source = "tpm: pcr-digests"});
}

static void add_machines(struct trust_writer *wr, const struct policy_tpm *tpm)
{
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_INSTANCE, "tpm: eks",
				      "the TPMs with one of these endorsement keys", NULL,
				      NULL},
		  tpm->eks.count > 0,
		  trust_list(wr, tpm->eks.items, tpm->eks.count, true));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_INSTANCE, "tpm: gce-projects",
				      "instances of these projects of Google's",
				      "with Google's roots, an instance of any customer "
				      "counts",
				      "name tpm: gce-projects, or gce-instances"},
		  tpm->projects.count > 0,
		  trust_list(wr, tpm->projects.items, tpm->projects.count, false));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_INSTANCE, "tpm: gce-instances",
				      "these instances of Google's", NULL, NULL},
		  tpm->instances.count > 0,
		  trust_list(wr, tpm->instances.items, tpm->instances.count, false));
	if (tpm->weak)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_FLOOR,
				  .name = "PCRs of the SHA-1 bank count",
				  .source = "tpm: banks",
				  .bad = "two programs with one SHA-1 are one here",
				  .smaller = "remove sha1 from tpm: banks"});
}

void trust_tpm(struct trust_writer *wr)
{
	static const struct policy_tpm nothing = {0};
	const struct policy_tpm *tpm = wr->policy->tpm ? wr->policy->tpm : &nothing;

	if (wr->policy->tpm_anchors_pem.size)
		add_anchors(wr, tpm);
	else
		trust_roots(wr, &vendor, NULL);
	add_keys(wr);
	add_operator(wr);
	trust_pcrs(wr, tpm);
	add_machines(wr, tpm);
}
