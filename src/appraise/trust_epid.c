#include "appraise/policy_epid.h"
#include "appraise/trust.h"

static const struct trust_vendor vendor = {
    .tier = "sgx-epid",
    .party = "Intel",
    .does = "certifies the key of Intel's Attestation Service (IAS)",
    .bad = "could sign a report of an enclave that does not exist"};

static void add_keys(struct trust_writer *wr)
{
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_SERVICE,
			  .name = "Intel's Attestation Service (IAS), retired",
			  .source = "in the report",
			  .does = "has verified the quote, and says so: nothing of the "
				  "quote's own signature is checked here",
			  .bad = "could say so of any enclave",
			  .smaller = "use tier sgx (DCAP), which is verified here",
			  .party = "Intel"});
}

static void add_floor(struct trust_writer *wr)
{
	const struct policy_epid none = {0};
	const struct policy_epid *own = wr->policy->epid ? wr->policy->epid : &none;

	trust_add(
	    wr, &(struct tobi_trust_line){
		    .kind = TOBI_TRUST_FLOOR,
		    .name = "status of the platform",
		    .value = own->status_count ? trust_text(wr, "OK, %s",
							    trust_join(wr, own->statuses,
								       own->status_count))
					       : "OK",
		    .source = own->status_count ? "sgx-epid: status" : NULL,
		    .bad = own->status_count
			       ? "known holes of firmware that was out of date are "
				 "accepted"
			       : NULL,
		    .smaller = own->status_count ? "remove sgx-epid: status" : NULL});
	if (own->advisory_count)
		trust_add(
		    wr, &(struct tobi_trust_line){
			    .kind = TOBI_TRUST_FLOOR,
			    .name = "advisories that are accepted",
			    .value = trust_join(wr, own->advisories, own->advisory_count),
			    .source = "sgx-epid: advisories",
			    .bad = "each is a known hole",
			    .smaller = "remove sgx-epid: advisories"});
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FRESHNESS, "sgx-epid: nonce",
				      "the service was asked with this nonce", NULL,
				      NULL},
		  own->nonce != NULL, trust_text(wr, "%s", own->nonce ? own->nonce : ""));
}

void trust_epid(struct trust_writer *wr)
{
	trust_roots(wr, &vendor, add_keys);
	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_KEY,
		      .name = "every genuine chip of an EPID group, and its microcode",
		      .does = "keeps the host out, and signs for its group",
		      .bad = "who breaks into one chip can sign for any enclave"});
	add_floor(wr);
}
