#include "tee/sev.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "pki/memo.h"
#include "tee/sev_chain.h"
#include "tee/sev_claims.h"
#include "tee/sev_launch.h"

#define AMD "AMD 55766 (SEV API), "
#define SPEC "Tobichi protocols, section 14.4"

static const struct check check_format = {
    "SEV-FORMAT", "the certificates of the chip and of its firmware came", SPEC,
    "Give what `sevctl export` writes, AMD's ASK and ARK of that generation, and the "
    "launch's measurement: `tobichi verify --with FILE`."};
static const struct check check_ark = {
    "SEV-ARK", "AMD's root is one that is trusted here, and has signed itself",
    AMD "appendix C; Tobichi policy, roots",
    "Give the ARK of AMD that belongs to this generation of processors."};
static const struct check check_ask = {
    "SEV-ASK", "AMD's root has signed the key of this generation of processors",
    AMD "appendix C", "Give the ASK and ARK that AMD publishes together."};
static const struct check check_cek = {
    "SEV-CEK", "AMD has signed this chip's key", AMD "chapter 2; appendix C",
    "The chip is of another generation than the ASK, or no chip of AMD's. Ask AMD's key "
    "server for the CEK of this chip."};
static const struct check check_pek = {
    "SEV-PEK", "the chip has signed its firmware's key", AMD "chapter 2; appendix C",
    "The platform's key is not of this chip. Do not use the platform."};
static const struct check check_oca = {
    "SEV-OCA", "the platform owner's root has signed itself", AMD "chapter 2; appendix C",
    "Export the platform's certificates again."};
static const struct check check_owner = {
    "SEV-OWNER", "the platform's owner has signed the firmware's key",
    AMD "chapter 2; appendix C",
    "The owner's certificate is not of this platform. Export the certificates again."};
static const struct check check_pdh = {
    "SEV-PDH", "the key that the guest's secrets were sent to is of this firmware",
    AMD "chapter 2; appendix C",
    "Somebody may have shown you a key of their own. Do not use the platform."};
static const struct check check_measurement = {
    "SEV-MEASUREMENT", "the firmware has measured a launch that is what the policy names",
    AMD "section 6.5 (LAUNCH_MEASURE)",
    "Compare the firmware image, its digest, and the launch's key (`--secret`). A policy "
    "for a platform without any guest says so: sev.platform-only."};

static const struct check check_binding = {
    "SEV-BINDING", "no claims are said to be bound to it, for none can be", SPEC,
    "Evidence of SEV has no place for what a guest says. Verify it as files, before the "
    "guest gets a secret; in a session ask for another tier."};

static const struct check *const checks[] = {
    &check_format, &check_ark, &check_ask,	   &check_cek,	   &check_pek, &check_oca,
    &check_owner,  &check_pdh, &check_measurement, &check_binding, NULL,
};

static const struct check *const link_checks[SEV_LINKS] = {
    [SEV_LINK_ARK] = &check_ark, [SEV_LINK_ASK] = &check_ask,
    [SEV_LINK_CEK] = &check_cek, [SEV_LINK_PEK] = &check_pek,
    [SEV_LINK_OCA] = &check_oca, [SEV_LINK_OWNER] = &check_owner,
    [SEV_LINK_PDH] = &check_pdh,
};

static const struct {
	uint32_t bit;
	const char *name;
} policy_names[] = {
    {SEV_POLICY_NODBG, "NODBG"},   {SEV_POLICY_NOKS, "NOKS"},	  {SEV_POLICY_ES, "ES"},
    {SEV_POLICY_NOSEND, "NOSEND"}, {SEV_POLICY_DOMAIN, "DOMAIN"}, {SEV_POLICY_SEV, "SEV"},
};

/* Certificates, one or several, of which one is of the platform's own firmware. */
static bool recognise(struct tobi_bytes evidence)
{
	bool own = false;
	size_t at = 0;

	while (at < evidence.size) {
		struct tobi_bytes left = {evidence.ptr + at, evidence.size - at};
		size_t size = sev_certificate_size(left);

		if (size == 0)
			return false;
		own |= size == SEV_CERTIFICATE_SIZE;
		at += size;
	}
	return own;
}

struct parts {
	struct sev_certificates certificates;
	struct sev_launch launch;
};

static bool is_certificates(struct tobi_bytes piece)
{
	static const uint8_t version[] = {1, 0, 0, 0};

	return piece.size >= SEV_AMD_2048_SIZE / 2 &&
	       memcmp(piece.ptr, version, sizeof(version)) == 0;
}

static enum tobi_err take_piece(struct tobi_bytes piece, struct parts *parts,
				struct tobi_fault *fault)
{
	bool known = false;

	if (is_certificates(piece))
		return sev_certificates_add(&parts->certificates, piece, fault);
	return sev_launch_take(piece, &parts->launch, &known, fault);
}

static enum tobi_err take_endorsements(struct tobi_bytes bytes, struct parts *parts,
				       struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct tobi_bytes list[LIMIT_PIECES];
	size_t count;
	enum tobi_err err;

	if (bytes.size == 0)
		return TOBI_OK;
	count = cbor_array(&cbor, LIMIT_PIECES, "endorsements");
	for (size_t i = 0; i < count; i++)
		list[i] = cbor_bytes(&cbor, LIMIT_CERTIFICATE, "endorsements");
	err = cbor_finish(&cbor, "endorsements", fault);
	for (size_t i = 0; i < count && !err; i++)
		err = take_piece(list[i], parts, fault);
	return err;
}

/* Of the collateral only what is AMD's: a fleet's bundle may have other platforms'. */
static enum tobi_err take_collateral(const struct tobi_collateral *set,
				     struct parts *parts, struct tobi_fault *fault)
{
	const struct collateral_item *item;
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; (item = collateral_at(set, i)) && !err; i++) {
		struct tobi_bytes left = item->data;

		while (item->kind == COLLATERAL_SEV && left.size && !err) {
			struct tobi_bytes one = {left.ptr, sev_certificate_size(left)};

			if (one.size == 0)
				return fault_set(fault, TOBI_E_MALFORMED, "collateral",
						 item->name, "no SEV certificate");
			if (one.size != SEV_CERTIFICATE_SIZE)
				err = sev_certificates_add(&parts->certificates, one,
							   fault);
			left.ptr += one.size;
			left.size -= one.size;
		}
	}
	return err;
}

/* "" for nothing. */
static const char *what_lacks(const struct sev_certificates *certificates)
{
	bool pek = certificates->pek.bytes.size, cek = certificates->cek.bytes.size;

	return pek && cek ? ""
	       : pek	  ? "the CEK did not come"
	       : cek	  ? "the PEK did not come"
			  : "neither came";
}

static enum tobi_err find_parts(const struct tee_request *request, struct parts *parts,
				struct tobi_fault *fault)
{
	enum tobi_err err =
	    sev_certificates_add(&parts->certificates, request->evidence, fault);

	for (size_t i = 0; i < request->piece_count && !err; i++)
		err = take_piece(request->pieces[i], parts, fault);
	if (!err)
		err = take_endorsements(request->endorsements, parts, fault);
	return err ? err : take_collateral(request->collateral, parts, fault);
}

struct known_chain {
	struct memo_value head;
	struct sev_chain chain;
};

static void known_chain_free(struct memo_value *value)
{
	free((struct known_chain *)value);
}

static bool name_chain(const struct tee_request *request,
		       const struct sev_certificates *from, struct memo_name *ret_name)
{
	struct tobi_bytes parts[2 * SEV_AMD_MAX + 5] = {
	    from->cek.bytes,
	    from->pek.bytes,
	    from->oca.bytes,
	    from->pdh.bytes,
	    {(const uint8_t *)request->pins.keys,
	     request->pins.count * sizeof(request->pins.keys[0])}};
	size_t count = 5;

	for (size_t i = 0; i < from->ark_count; i++)
		parts[count++] = from->arks[i].bytes;
	for (size_t i = 0; i < from->ask_count; i++)
		parts[count++] = from->asks[i].bytes;
	return !memo_name_make("sev-chain", parts, count, ret_name);
}

/* There are no dates: what holds, holds. */
static void keep_chain(struct memo *memo, const struct memo_name *name,
		       const struct sev_chain *chain)
{
	const struct chain_window always = {INT64_MIN, INT64_MAX};
	struct known_chain *known = calloc(1, sizeof(*known));

	if (!known)
		return;
	*known = (struct known_chain){{1, known_chain_free}, *chain};
	memo_keep(memo, name, &always, &known->head);
	memo_unref(&known->head);
}

static bool find_chain(const struct tee_request *request,
		       const struct sev_certificates *certificates,
		       struct sev_chain *ret_chain)
{
	struct memo_value *value;
	struct memo_name name;

	if (!name_chain(request, certificates, &name))
		return false;
	value = memo_find(request->memo, &name, request->time);
	if (value) {
		*ret_chain = ((struct known_chain *)value)->chain;
		memo_unref(value);
		return true;
	}
	if (!sev_chain_verify(certificates, &request->pins, ret_chain))
		return false;
	if (sev_chain_holds(ret_chain))
		keep_chain(request->memo, &name, ret_chain);
	return true;
}

/* An owner's root is owed when one came: who must be the owner is the policy's to say.
 * And a key for sessions, when there was one. */
static void examine_chain(const struct tee_request *request,
			  const struct sev_chain *chain, struct checklist *list)
{
	for (size_t i = 0; i < SEV_LINKS; i++) {
		bool owners = i == SEV_LINK_OCA || i == SEV_LINK_OWNER;

		if (owners && !chain->has_owner)
			check_waive(list, link_checks[i], "no owner's certificate came");
		else if (i == SEV_LINK_PDH && !chain->has_session &&
			 request->platform_only)
			check_waive(list, link_checks[i], "nothing was launched");
		else
			check_record(list, link_checks[i], !chain->wrong[i], "",
				     chain->wrong[i]);
	}
}

/* The digest is not sent: one of those that the policy names makes the keyed hash, or
 * none does. Its index, or count. */
static size_t find_digest(const struct tee_request *request,
			  const struct sev_launch *launch)
{
	uint8_t measure[SEV_MEASURE_SIZE];
	size_t found = request->image_count;

	for (size_t i = 0; i < request->image_count; i++) {
		if (request->images[i].size == SEV_DIGEST_SIZE &&
		    !sev_launch_measure(launch, request->secret, request->images[i],
					measure) &&
		    bytes_equal_secret(
			(struct tobi_bytes){measure, sizeof(measure)},
			(struct tobi_bytes){launch->measure, sizeof(launch->measure)}))
			found = i;
	}
	explicit_bzero(measure, sizeof(measure));
	return found;
}

static void take_launch(const struct sev_launch *launch, struct tobi_bytes digest,
			struct sev_claims *own, struct arena *arena,
			struct tee_claims *claims)
{
	struct writer names = wr_init(128);

	own->measured = true;
	own->api_major = launch->api_major;
	own->api_minor = launch->api_minor;
	own->build = launch->build;
	own->policy = launch->policy;
	claims->image_id = arena_copy(arena, digest);
	claims->debug = !(launch->policy & SEV_POLICY_NODBG);
	for (size_t i = 0; i < sizeof(policy_names) / sizeof(policy_names[0]); i++) {
		if (launch->policy & policy_names[i].bit)
			wr_printf(&names, " %s", policy_names[i].name);
	}
	tee_fact_hex(claims, arena, "launch digest", digest);
	tee_fact(claims, arena, "guest policy", "0x%08x:%.*s, API at least %u.%u",
		 (unsigned)launch->policy, (int)names.size, (const char *)names.ptr,
		 launch->policy >> 16 & 0xff, launch->policy >> 24);
	tee_fact(claims, arena, "guest",
		 launch->policy & SEV_POLICY_ES ? "SEV-ES" : "SEV, registers not kept");
	wr_done(&names);
}

static const char *wrong_launch(const struct tee_request *request,
				const struct sev_launch *launch)
{
	const char *lacks = sev_launch_lacks(launch);

	if (lacks)
		return lacks;
	if (request->secret.size != SEV_TIK_SIZE)
		return request->secret.size ? "the key of the launch (TIK) is not of 16 "
					      "bytes"
					    : "the key of the launch (TIK) was not given";
	return NULL;
}

static void examine_launch(const struct tee_request *request,
			   const struct sev_launch *launch, struct sev_claims *own,
			   struct checklist *list, struct tee_claims *claims)
{
	const char *wrong = wrong_launch(request, launch);
	size_t found;

	if (request->platform_only && !launch->has_blob) {
		check_waive(list, &check_measurement,
			    "the policy asks of the platform only");
		claims->no_guest = true;
		tee_warn(claims,
			 "PLATFORM ONLY: nothing is proven of any guest, and the policy "
			 "allows that (sev.platform-only)");
		return;
	}
	if (wrong) {
		check_record(list, &check_measurement, false, "a measured launch", wrong);
		return;
	}
	found = find_digest(request, launch);
	if (found < request->image_count)
		take_launch(launch, request->images[found], own, list->arena, claims);
	check_record(list, &check_measurement, found < request->image_count,
		     "the keyed hash of an image that the policy names",
		     "of no such image, with this key");
}

static void tell_chain(const struct sev_chain *chain,
		       const struct sev_certificates *certificates, struct arena *arena,
		       struct tee_claims *claims)
{
	const struct sev_certificate *pek = &certificates->pek;

	tee_fact(claims, arena, "generation", "%s",
		 chain->generation[0] ? chain->generation : "not known");
	if (pek->bytes.size)
		tee_fact(claims, arena, "firmware's API", "%u.%u", pek->api_major,
			 pek->api_minor);
	if (certificates->cek.bytes.size)
		tee_fact_hex(claims, arena, "chip's key (SHA-256)",
			     (struct tobi_bytes){chain->chip, SHA256_SIZE});
	if (chain->has_owner)
		tee_fact_hex(claims, arena, "owner's key (SHA-256)",
			     (struct tobi_bytes){chain->owner, SHA256_SIZE});
}

static void take_chain(const struct sev_chain *chain, const struct parts *parts,
		       struct sev_claims *own, struct arena *arena,
		       struct tee_claims *claims)
{
	*own = (struct sev_claims){.generation = chain->generation,
				   .api_major = parts->certificates.pek.api_major,
				   .api_minor = parts->certificates.pek.api_minor,
				   .has_owner = chain->has_owner};
	bytes_copy(own->owner, sizeof(own->owner), chain->owner, sizeof(chain->owner));
	if (parts->certificates.cek.bytes.size)
		claims->hardware = arena_copy(
		    arena, (struct tobi_bytes){chain->chip, sizeof(chain->chip)});
	if (parts->launch.has_blob)
		claims->nonce = (struct tobi_bytes){parts->launch.mnonce,
						    sizeof(parts->launch.mnonce)};
	tell_chain(chain, &parts->certificates, arena, claims);
}

static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	struct parts *parts = arena_alloc(list->arena, sizeof(*parts));
	struct sev_claims *own = arena_alloc(list->arena, sizeof(*own));
	struct sev_chain chain;
	const char *lacks;
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	if (!parts || !own)
		return fault_set(fault, TOBI_E_MEMORY, "SEV", "", "out of memory");
	err = find_parts(request, parts, fault);
	if (err)
		return err;
	*ret_claims = (struct tee_claims){
	    .tier = "sev", .root_kind = "hardware", .timeless = true, .sev = own};
	tee_warn(ret_claims,
		 "SEV: without SNP the host can change, replay and move the guest's "
		 "memory, and this generation has been broken in public; for new work "
		 "ask for the tier snp");
	if (request->claims_buffer.size)
		check_record(list, &check_binding, false, "evidence without claims",
			     "claims came with it");
	else
		check_waive(list, &check_binding, "it came without claims");
	lacks = what_lacks(&parts->certificates);
	check_record(list, &check_format, !lacks[0], "at least a PEK and a CEK",
		     lacks[0] ? lacks : "both");
	if (!find_chain(request, &parts->certificates, &chain))
		return TOBI_OK; /* no records: refuses */
	take_chain(&chain, parts, own, list->arena, ret_claims);
	examine_chain(request, &chain, list);
	examine_launch(request, &parts->launch, own, list, ret_claims);
	return TOBI_OK;
}

static bool takes(struct tobi_bytes piece)
{
	struct sev_launch launch = {0};
	bool known = false;

	/* What is wrong in one that is known is examine()'s to say. */
	IGNORE(sev_launch_take(piece, &launch, &known, NULL));
	return known || is_certificates(piece);
}

const struct tee_verifier tee_sev = {.tier = "sev",
				     .name = "sev",
				     .media_type = "application/vnd.tobichi.sev",
				     .checks = checks,
				     .recognise = recognise,
				     .examine = examine,
				     .takes = takes};
