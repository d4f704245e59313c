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

void trust_nitro(struct trust_writer *wr)
{
	trust_roots(wr, &nitro, add_keys);
	add_operator(wr);
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
}
