#include <string.h>

#include "appraise/policy_dcap.h"
#include "appraise/policy_sgx.h"
#include "appraise/policy_tdx.h"
#include "appraise/trust.h"
#include "tee/dcap_json.h"

enum { TDX_ATTRIBUTES_MAX = 16 };

#define MAKE_UP "could certify a chip that does not exist, and with it any enclave"

static const struct trust_vendor sgx = {
    .tier = "sgx",
    .party = "Intel",
    .does = "certifies the CAs that certify each chip, and who says which firmware is "
	    "current",
    .bad = MAKE_UP};
static const struct trust_vendor tdx = {
    .tier = "tdx",
    .party = "Intel",
    .does = "certifies the CAs that certify each chip, and who says which firmware is "
	    "current",
    .bad = MAKE_UP};

static void add_keys(struct trust_writer *wr)
{
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = "Intel SGX PCK Platform CA, PCK Processor CA",
			  .source = "Intel PCS",
			  .does = "certify the key of each chip (PCK)",
			  .bad = MAKE_UP,
			  .party = "Intel"});
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = "Intel SGX TCB Signing",
			  .source = "Intel PCS",
			  .does = "says which firmware, quoting enclaves and TDX modules "
				  "are current",
			  .bad = "could call firmware with known holes current",
			  .party = "Intel"});
}

/* The statuses that count beside UpToDate. */
static const char *statuses(struct trust_writer *wr, const struct policy_dcap *dcap)
{
	const char *all = dcap_status_name(DCAP_UP_TO_DATE);

	for (enum dcap_status status = DCAP_UP_TO_DATE + 1; status < DCAP_STATUSES;
	     status++) {
		if (dcap->statuses >> status & 1)
			all = trust_text(wr, "%s, %s", all, dcap_status_name(status));
	}
	return all;
}

static void add_status(struct trust_writer *wr, const struct policy_dcap *dcap,
		       const char *tier)
{
	bool older = dcap->statuses >> 1 != 0;

	trust_add(
	    wr,
	    &(struct tobi_trust_line){
		.kind = TOBI_TRUST_FLOOR,
		.name = "Intel's status of the firmware",
		.value = statuses(wr, dcap),
		.source = older ? trust_text(wr, "%s: tcb-status", tier) : NULL,
		.bad = older ? "who runs the machine may know a way in that newer "
			       "firmware has closed"
			     : NULL,
		.smaller = older ? trust_text(wr, "remove %s: tcb-status", tier) : NULL});
	if (dcap->any_advisory || dcap->advisory_count)
		trust_add(
		    wr,
		    &(struct tobi_trust_line){
			.kind = TOBI_TRUST_FLOOR,
			.name = "advisories that are accepted",
			.value = dcap->any_advisory ? "any"
						    : trust_join(wr, dcap->advisories,
								 dcap->advisory_count),
			.source = trust_text(wr, "%s: advisories", tier),
			.bad = "each is a known hole",
			.smaller = dcap->any_advisory
				       ? trust_text(wr,
						    "name the advisories in %s: "
						    "advisories, not any",
						    tier)
				       : trust_text(wr, "remove %s: advisories", tier)});
}

static void add_platforms(struct trust_writer *wr, const struct policy_dcap *dcap,
			  const char *tier)
{
	trust_key(wr,
		  &(struct trust_key){
		      TOBI_TRUST_FLOOR, trust_text(wr, "%s: min-tcb-evaluation", tier),
		      "Intel's review, number at least",
		      "any review of Intel's that is still valid",
		      trust_text(wr, "name %s: min-tcb-evaluation", tier)},
		  dcap->min_evaluation > 0,
		  trust_text(wr, "%llu", (unsigned long long)dcap->min_evaluation));
	trust_key(
	    wr,
	    &(struct trust_key){TOBI_TRUST_FLOOR, trust_text(wr, "%s: fmspc", tier),
				"families and models of the CPU (FMSPC)",
				"each family and model of the CPU",
				trust_text(wr, "name %s: fmspc, those you have", tier)},
	    dcap->fmspc.count > 0,
	    trust_list(wr, dcap->fmspc.items, dcap->fmspc.count, true));
	trust_key(
	    wr,
	    &(struct trust_key){TOBI_TRUST_FLOOR,
				trust_text(wr, "%s: fmspc-refused", tier),
				"but not these families and models", NULL, NULL},
	    dcap->fmspc_refused.count > 0,
	    trust_list(wr, dcap->fmspc_refused.items, dcap->fmspc_refused.count, true));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_INSTANCE,
				      trust_text(wr, "%s: platforms", tier),
				      "one of these platforms", NULL, NULL},
		  dcap->platforms.count > 0,
		  trust_list(wr, dcap->platforms.items, dcap->platforms.count, true));
}

static void add_floor(struct trust_writer *wr, const struct policy_dcap *dcap,
		      const char *tier)
{
	trust_open(wr, &(struct tobi_trust_line){.name = "firmware and platforms"});
	add_status(wr, dcap, tier);
	add_platforms(wr, dcap, tier);
	trust_close(wr);
}

static void add_chip(struct trust_writer *wr, const struct policy_dcap *dcap,
		     const char *tier)
{
	bool pinned =
	    wr->policy->identity == IDENTITY_HARDWARE || dcap->platforms.count > 0;

	trust_add(wr,
		  &(struct tobi_trust_line){
		      .kind = TOBI_TRUST_KEY,
		      .name = "the quoting enclave of each machine",
		      .source = "Intel's QE identity",
		      .does = "signs quotes with a key that the chip's key certifies",
		      .bad = "a hole in it lets who runs the machine make up quotes"});
	trust_add(
	    wr,
	    &(struct tobi_trust_line){
		.kind = TOBI_TRUST_KEY,
		.name = pinned ? "the chips that are named, and their microcode"
			       : "every genuine chip, and its microcode",
		.does = "keeps the host out, and vouches for what runs on it",
		.bad = "who breaks into one chip has its key: and with it any "
		       "enclave, anywhere",
		.smaller =
		    pinned
			? NULL
			: trust_text(
			      wr, "pin platforms: %s: platforms, or identity: hardware",
			      tier)});
}

static const char *attributes(struct trust_writer *wr, const struct policy_sgx *own)
{
	const char *all = "", *name;

	for (size_t i = 0; (name = policy_sgx_attribute(own, i)); i++)
		all = trust_text(wr, "%s%s%s", all, i ? ", " : "", name);
	return all;
}

/* What of an enclave counts beside its image or signer. */
static void add_enclave(struct trust_writer *wr, const struct policy_sgx *own)
{
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "sgx: family-id",
				      "only this family of products", NULL, NULL},
		  own->family.size > 0, trust_hex(wr, own->family));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "sgx: ext-product-id",
				      "only this extended product", NULL, NULL},
		  own->ext_product.size > 0, trust_hex(wr, own->ext_product));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "sgx: min-config-svn",
				      "version of its configuration, at least", NULL,
				      NULL},
		  own->asks_config_svn,
		  trust_text(wr, "%llu", (unsigned long long)own->min_config_svn));
}

void trust_sgx(struct trust_writer *wr)
{
	const struct policy_sgx *own = wr->policy->sgx;

	trust_roots(wr, &sgx, add_keys);
	add_chip(wr, wr->policy->dcap_sgx, "sgx");
	add_floor(wr, wr->policy->dcap_sgx, "sgx");
	add_enclave(wr, own);
	if (own->attributes)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_ALLOWANCE,
				  .name = "attributes that an enclave may have",
				  .value = attributes(wr, own),
				  .source = "sgx: attributes",
				  .bad = "an enclave with the provisioning key can name "
					 "the chip to others",
				  .smaller = "remove sgx: attributes"});
	trust_collateral(wr, "Intel PCS, a PCCS, or a file");
}

static void add_module(struct trust_writer *wr)
{
	const struct policy_tdx *own = wr->policy->tdx;

	trust_add(
	    wr, &(struct tobi_trust_line){
		    .kind = TOBI_TRUST_KEY,
		    .name = own->mr_seam.count
				? "the TDX module, one of those that are named"
				: "the TDX module, any of Intel's that is current",
		    .value = trust_list(wr, own->mr_seam.items, own->mr_seam.count, true),
		    .source = own->mr_seam.count ? "tdx: mr-seam" : NULL,
		    .does = "keeps the hypervisor out",
		    .bad = "a hole in it opens every TD of the machine",
		    .smaller = own->mr_seam.count ? NULL : "name tdx: mr-seam"});
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_SERVICE, "tdx: mr-service-td",
				      "helper TDs that may see it, for migration", NULL,
				      NULL},
		  own->service_td.count > 0,
		  trust_list(wr, own->service_td.items, own->service_td.count, true));
}

/* The attributes that a guest may have, beside the one that it must have. */
static void add_attributes(struct trust_writer *wr)
{
	const struct policy_tdx *own = wr->policy->tdx;
	const struct tdx_attribute *attribute;
	const char *names[TDX_ATTRIBUTES_MAX];
	size_t count = 0;

	for (size_t i = 0; (attribute = tdx_attribute_at(i)); i++) {
		if ((own->attributes & attribute->bit & ~TDX_SEPT_VE_DISABLE) &&
		    count < TDX_ATTRIBUTES_MAX)
			names[count++] = attribute->name;
	}
	if (count)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_ALLOWANCE,
				  .name = "attributes that a guest may have",
				  .value = trust_join(wr, names, count),
				  .source = "tdx: attributes",
				  .bad = "a guest that is migratable can be moved by its "
					 "service TD; others open ways to watch it",
				  .smaller = "remove tdx: attributes that no guest of "
					     "yours has"});
	if (own->allow_sept_ve)
		trust_add(wr,
			  &(struct tobi_trust_line){
			      .kind = TOBI_TRUST_ALLOWANCE,
			      .name = "guests that take exceptions of the host's "
				      "making",
			      .value = "no-sept-ve-disable",
			      .source = "tdx: attributes",
			      .bad = "the hypervisor could have the guest's kernel run "
				     "an exception handler where it is not ready",
			      .smaller = "remove tdx: attributes: no-sept-ve-disable"});
}

/* What the launch of a guest has said of itself. */
static void add_launch(struct trust_writer *wr)
{
	const struct policy_tdx *own = wr->policy->tdx;

	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "tdx: mr-config-id",
				      "launched with this configuration (MRCONFIGID)",
				      NULL, NULL},
		  own->config_id.size > 0, trust_hex(wr, own->config_id));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_INSTANCE, "tdx: mr-owner",
				      "launched for this owner (MROWNER)", NULL, NULL},
		  own->owner.size > 0, trust_hex(wr, own->owner));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "tdx: mr-owner-config",
				      "with this configuration of the owner's "
				      "(MROWNERCONFIG)",
				      NULL, NULL},
		  own->owner_config.size > 0, trust_hex(wr, own->owner_config));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "tdx: event-log",
				      "a log that replays must come with the quote", NULL,
				      NULL},
		  own->event_log, NULL);
}

/* tells: nothing else says what the guest has started. */
static void add_guest(struct trust_writer *wr, bool tells)
{
	const struct policy_tdx *own = wr->policy->tdx;

	for (size_t i = 0; i < TDX_RTMRS; i++) {
		if (own->rtmrs[i].size)
			trust_add(wr, &(struct tobi_trust_line){
					  .kind = TOBI_TRUST_IMAGE,
					  .name = trust_text(wr, "RTMR%zu", i),
					  .value = trust_hex(wr, own->rtmrs[i]),
					  .source = "tdx: rtmrs",
					  .does = "what the guest has started"});
	}
	if (tells && !policy_tdx_names_start(wr->policy))
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_IMAGE,
				  .name = "whatever the guest's firmware starts",
				  .does = "images names the firmware (MRTD) only",
				  .bad = "who launches the guest could have it start "
					 "another kernel",
				  .smaller = "name tdx: rtmrs",
				  .party = "who launches a TDX guest"});
}

void trust_tdx(struct trust_writer *wr)
{
	trust_tdx_as(wr, tdx.tier);
}

void trust_tdx_as(struct trust_writer *wr, const char *tier)
{
	struct trust_vendor roots = tdx;

	roots.tier = tier;
	trust_roots(wr, &roots, add_keys);
	add_chip(wr, wr->policy->dcap_tdx, "tdx");
	add_module(wr);
	add_floor(wr, wr->policy->dcap_tdx, "tdx");
	add_attributes(wr);
	add_launch(wr);
	add_guest(wr, strcmp(tier, tdx.tier) == 0);
	trust_collateral(wr, "Intel PCS, a PCCS, or a file");
}
