#include "appraise/policy_nitro.h"
#include "appraise/trust.h"

#define MAKE_UP "could sign a document of an enclave that does not exist"

static const struct trust_vendor nitro = {
    .tier = "nitro",
    .party = "AWS",
    .does = "certifies regions, zones and instances, whose hypervisor signs documents",
    .bad = MAKE_UP};
static const struct trust_vendor nitro_tpm = {
    .tier = "nitro-tpm",
    .party = "AWS",
    .does = "certifies regions, zones and instances, whose hypervisor signs documents",
    .bad = MAKE_UP};

static void add_keys(struct trust_writer *wr)
{
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_KEY,
			  .name = "the region's, the zone's and the instance's keys",
			  .source = "in the document",
			  .does = "each certifies the next, for some hours",
			  .bad = MAKE_UP,
			  .party = "AWS"});
}

/* Maker, landlord and operator are one here. */
static void add_operator(struct trust_writer *wr)
{
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_SERVICE,
			  .name = "AWS as the operator: the Nitro system and its "
				  "hypervisor",
			  .does = "keeps the customer's own instance and other customers "
				  "out; measures what it starts",
			  .bad = "could read and change every enclave: nothing here "
				 "keeps AWS out",
			  .smaller = "use a tier whose maker is not the operator (tdx, "
				     "snp)",
			  .party = "AWS"});
}

static void add_pcrs(struct trust_writer *wr, const struct policy_nitro *section,
		     const char *key)
{
	for (unsigned i = 0; section && i < NITRO_PCRS; i++) {
		if (section->pcrs[i].size)
			trust_add(wr, &(struct tobi_trust_line){
					  .kind = TOBI_TRUST_IMAGE,
					  .name = trust_text(wr, "PCR %u", i),
					  .value = trust_hex(wr, section->pcrs[i]),
					  .source = key});
	}
}

/* Whose instances: any customer of AWS can start an image that is public. */
static void add_customers(struct trust_writer *wr, const struct policy_nitro *section)
{
	const struct policy_nitro none = {0};
	const struct policy_nitro *own = section ? section : &none;

	bool any = !own->roles.count && !own->instances.count && !own->modules.count;

	trust_key(
	    wr,
	    &(struct trust_key){TOBI_TRUST_INSTANCE, "nitro: role-arns",
				"started by an instance with one of these roles",
				any ? "an enclave of any customer of AWS counts" : NULL,
				"name nitro: role-arns, or instance-ids"},
	    own->roles.count > 0,
	    trust_list(wr, own->roles.items, own->roles.count, false));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_INSTANCE, "nitro: instance-ids",
				      "started by one of these instances", NULL, NULL},
		  own->instances.count > 0,
		  trust_list(wr, own->instances.items, own->instances.count, false));
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_INSTANCE, "nitro: module-ids",
				      "exactly one of these launches", NULL, NULL},
		  own->modules.count > 0,
		  trust_list(wr, own->modules.items, own->modules.count, false));
}

static const char *bytes_or_none(struct trust_writer *wr, struct tobi_bytes bytes)
{
	return bytes.size ? trust_text(wr, "%zu bytes", bytes.size) : "none";
}

/* What the program itself has put into the document. */
static void add_said(struct trust_writer *wr, const struct policy_nitro *section,
		     const char *tier)
{
	if (!section)
		return;
	trust_key(wr,
		  &(struct trust_key){
		      TOBI_TRUST_INSTANCE, trust_text(wr, "%s: public-key", tier),
		      "the one whose document has this public key", NULL, NULL},
		  section->asks_public_key, bytes_or_none(wr, section->public_key));
	trust_key(wr,
		  &(struct trust_key){
		      TOBI_TRUST_INSTANCE, trust_text(wr, "%s: user-data", tier),
		      "the one whose document has this user data", NULL, NULL},
		  section->asks_user_data, bytes_or_none(wr, section->user_data));
}

void trust_nitro(struct trust_writer *wr)
{
	trust_roots(wr, &nitro, add_keys);
	add_operator(wr);
	add_pcrs(wr, wr->policy->nitro, "nitro: pcrs");
	add_customers(wr, wr->policy->nitro);
	add_said(wr, wr->policy->nitro, nitro.tier);
}

static void add_modules(struct trust_writer *wr, const struct policy_nitro *section)
{
	if (!section)
		return;
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_INSTANCE, "nitro-tpm: module-ids",
				      "one of these instances", NULL, NULL},
		  section->modules.count > 0,
		  trust_list(wr, section->modules.items, section->modules.count, false));
}

void trust_nitro_tpm(struct trust_writer *wr)
{
	trust_roots(wr, &nitro_tpm, add_keys);
	add_operator(wr);
	trust_add(wr, &(struct tobi_trust_line){
			  .kind = TOBI_TRUST_SERVICE,
			  .name = "the instance's kernel and its administrators",
			  .does = "are inside: a NitroTPM tells what the instance has "
				  "started, and keeps nobody out",
			  .bad = "could read and change all that runs there"});
	add_pcrs(wr, wr->policy->nitro_tpm, "nitro-tpm: pcrs");
	add_modules(wr, wr->policy->nitro_tpm);
	add_said(wr, wr->policy->nitro_tpm, nitro_tpm.tier);
}
