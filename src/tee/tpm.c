#include "tee/tpm.h"

#include "base/fault.h"
#include "base/secret.h"
#include "tee/boot.h"
#include "tee/nitro_claims.h"
#include "tee/ima_log.h"
#include "tee/snp.h"
#include "tee/tdx.h"
#include "tee/tpm_checks.h"
#include "tee/tpm_facts.h"
#include "tee/tpm_nitro.h"
#include "tee/tpm_parts.h"
#include "tee/tpm_signer.h"
#include "tee/tpm_verify.h"

#define SPEC "Tobichi protocols, section 14.10"
#define TPM2 "TPM 2.0 Library, part 2"

static const struct check check_parts = {
    "TPM-PARTS", "what came with the quote can be read, and is not there twice", SPEC,
    "Give each thing once: the signature, the key or its certificates, the PCR values."};
static const struct check check_certificate = {
    "TPM-AK-CERTIFICATE",
    "the attestation key's certificate was issued for an attestation key",
    "TCG EK Credential Profile, section 3.2; " SPEC,
    "Ask the CA for a certificate with the purpose 2.23.133.8.3, for the key usage "
    "digitalSignature."};
static const struct check check_selection = {
    "TPM-QUOTE-SELECTION",
    "the quote selects PCRs of known banks, each bank once, and a value of each came",
    TPM2 ", section 10.6.2; " SPEC,
    "Give the PCR values that were written with the quote (tpm2_quote -o)."};
static const struct check check_binding = {
    "TPM-BINDING", "the quote was made for exactly these claims", SPEC,
    "The evidence belongs to another request. Ask for it again with your own nonce."};
static const struct check check_certify = {
    "TPM-CERTIFY",
    "the key that came along was made in the same TPM and cannot leave it, says the "
    "attestation key",
    TPM2 ", section 10.12.3; " SPEC,
    "Give the certified key's public area and the statement's signature; or do not use "
    "that key."};
static const struct check check_ek = {
    "TPM-EK-CHAIN", "the endorsement key's certificate goes back to a root of the tier",
    "TCG EK Credential Profile, section 3.2; " SPEC,
    "Add the TPM maker's root to the policy's roots, or leave the certificate away: it "
    "proves nothing of the attestation key by itself."};

static const struct check check_nitro = {
    "TPM-NITRO",
    "the NitroTPM document that names the key shows the PCR values that were quoted",
    SPEC,
    "Have the TPM quote its SHA-384 bank alone, right after the document was made."};

static const struct check check_hardware = {
    "TPM-HARDWARE",
    "the hardware's report that came with the quote was made for the same nonce",
    "Tobichi protocols, section 14.14",
    "Have both made for one nonce (go-tpm-tools: leave the TEE nonce away)."};

static const struct check *const checks[] = {
    &check_hardware,	&check_parts,	      &tpm_check_ak_chain,
    &check_certificate, &tpm_check_ak_key,    &check_ek,
    &tpm_check_type,	&tpm_check_signature, &check_selection,
    &tpm_check_pcrs,	&check_certify,	      &check_binding,
    &check_nitro,	BOOT_CHECKS,	      NULL,
};

static const struct tpm_quoted_rows rows = {&tpm_check_type, &tpm_check_signature,
					    &check_binding, &check_selection,
					    &tpm_check_pcrs};

static void examine_parts(const struct tpm_parts *parts, struct checklist *list)
{
	char text[512] = "";
	const char *wrong = parts->twice      ? "one thing in two ways"
			    : parts->too_many ? "more than is of use"
					      : NULL;

	if (!wrong && parts->unread.code) {
		tobi_fault_print(&parts->unread, text, sizeof(text));
		wrong = text;
	}
	check_record(list, &check_parts, !wrong, "each thing once", wrong ? wrong : "");
}

static void examine_signer(const struct tpm_signer *signer, bool vouched,
			   struct checklist *list)
{
	bool trusted = signer->named || signer->certified || vouched;

	check_record(list, &tpm_check_ak_chain, trusted && signer->key,
		     signer->named ? "the policy names this key"
		     : vouched	   ? "a document of its NitroTPM names this key"
				   : "a valid chain to a root of the tier, or a key that "
				     "the policy names",
		     trusted	    ? signer->root
		     : !signer->key ? "no key came, and none of the policy's has signed "
				      "the quote"
				    : signer->path);
	if (!signer->profile || ((signer->named || vouched) && !signer->certified))
		check_waive(list, &check_certificate, "no certificate vouches for it");
	else
		check_record(list, &check_certificate, !signer->profile[0],
			     "a certificate of an attestation key", signer->profile);
	if (signer->has_public)
		check_record(
		    list, &tpm_check_ak_key, signer->is_ak,
		    "a restricted signing key, fixed in its TPM",
		    signer->is_ak ? "" : "a key that may sign anything, or may leave");
	else
		check_waive(list, &tpm_check_ak_key,
			    "its public area did not come: whoever certified or named "
			    "it has looked");
	if (signer->ek_came)
		check_record(list, &check_ek, !signer->ek_path[0],
			     "a valid chain to a root of the tier", signer->ek_path);
	else
		check_waive(list, &check_ek, "there is none");
}

static bool signed_by(struct tobi_bytes signature, const struct tpm_signer *signer,
		      struct tobi_bytes statement)
{
	struct tpm_signature read;

	return signer->key &&
	       !tpm_signature_read(signature, signer->key, signer->scheme, signer->hash,
				   &read, NULL) &&
	       !tpm_signature_verify(&read, signer->key, signer->verifying, statement,
				     NULL);
}

/* Of several, the one that is the statement's; the first where none is. */
static struct tobi_bytes signature_of(const struct tpm_parts *parts,
				      const struct tpm_signer *signer,
				      struct tobi_bytes statement)
{
	const struct tpm_bytes_list *list = &parts->signatures;

	for (size_t i = 0; list->count > 1 && i < list->count; i++) {
		if (signed_by(list->items[i], signer, statement))
			return list->items[i];
	}
	return list->count ? list->items[0] : (struct tobi_bytes){0};
}

static size_t values_size(const struct tpm_attest *quote)
{
	size_t size = 0;

	for (size_t i = 0; i < quote->selection_count; i++) {
		for (unsigned j = 0; j < TPM_PCRS; j++)
			size += quote->selections[i].pcrs >> j & 1
				    ? tpm_hash_size(quote->selections[i].hash)
				    : 0;
	}
	return size;
}

static void take_values(struct tpm_parts *parts, const struct tpm_attest *quote,
			struct tobi_bytes values)
{
	size_t at = 0;

	for (size_t i = 0; i < quote->selection_count; i++) {
		size_t size = tpm_hash_size(quote->selections[i].hash);

		for (unsigned j = 0; size && j < TPM_PCRS; j++) {
			if (!(quote->selections[i].pcrs >> j & 1))
				continue;
			tpm_parts_add_pcr(parts, quote->selections[i].hash, j,
					  (struct tobi_bytes){values.ptr + at, size});
			at += size;
		}
	}
}

static bool is_quoted(struct tobi_bytes values, const struct tpm_attest *quote,
		      unsigned hash)
{
	uint8_t digest[TPM_HASH_MAX];

	return values.size == values_size(quote) && !tpm_hash(hash, values, digest) &&
	       bytes_equal(quote->pcr_digest,
			   (struct tobi_bytes){digest, tpm_hash_size(hash)});
}

/* Bytes without a form are PCR values when they have the quoted digest; else a signature
 * of RSA, where none came; else values again, and then wrong ones. */
static void settle_plain(struct tpm_parts *parts, const struct tpm_attest *quote,
			 const struct tpm_signer *signer)
{
	unsigned hash = signer->hash ? signer->hash : TPM_ALG_SHA256;
	bool rsa = parts->plain.count && signer->key && EVP_PKEY_is_a(signer->key, "RSA");
	size_t key_size = rsa ? (size_t)EVP_PKEY_get_size(signer->key) : 0;

	for (size_t i = 0; i < parts->plain.count; i++) {
		struct tobi_bytes item = parts->plain.items[i];

		if (rsa && !parts->signatures.count && item.size == key_size &&
		    !is_quoted(item, quote, hash))
			parts->signatures.items[parts->signatures.count++] = item;
		else if (item.size == values_size(quote))
			take_values(parts, quote, item);
	}
}

/* The Name is the hash of the public area: with it come the attributes and the key. */
static const char *wrong_certified(const struct tpm_parts *parts,
				   const struct tpm_attest *certify,
				   const struct tpm_signer *signer, struct arena *arena,
				   struct tpm_claims *claims)
{
	struct tobi_bytes area = {0};
	struct tpm_public public;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	uint8_t spki[SHA256_SIZE];

	for (size_t i = 0; i < parts->publics.count; i++) {
		if (tpm_is_named(parts->publics.items[i], certify->name))
			area = parts->publics.items[i];
	}
	if (!signed_by(signature_of(parts, signer, parts->certify), signer,
		       parts->certify))
		return "the signature of the statement does not verify";
	if (!area.size || tpm_public_parse(area, &public, NULL))
		return "the statement is about a key that did not come";
	if (!tpm_public_is_resident(&public))
		return "it may leave the TPM, or was not made in it";
	if (tpm_public_key(&public, &key, NULL) || key_spki_sha256(key, spki, NULL))
		return "it is no key";
	claims->certified_key =
	    arena_copy(arena, (struct tobi_bytes){spki, sizeof(spki)});
	return NULL;
}

static void fill_claims(const struct tpm_signer *signer, struct arena *arena,
			struct tee_claims *claims)
{
	struct tpm_claims *tpm = claims->tpm;

	claims->nonce = tpm->extra;
	claims->root_kind = "hardware";
	tpm->has_ak = signer->has_public;
	tpm->certified = signer->certified;
	if (signer->key)
		tpm->ak =
		    arena_copy(arena, (struct tobi_bytes){signer->spki, SHA256_SIZE});
	if (signer->certified && signer->has_ek)
		tpm->ek = arena_copy(arena, (struct tobi_bytes){signer->ek, SHA256_SIZE});
	if (signer->certified && signer->has_gce) {
		struct gce_identity *gce = arena_alloc(arena, sizeof(*gce));

		if (gce)
			*gce = signer->gce;
		tpm->gce = gce;
	}
	claims->hardware = tpm->ek.size ? tpm->ek : tpm->ak;
	if (signer->key)
		tpm_facts_signer(signer, arena, claims);
	tpm_facts_quote(tpm, arena, claims);
	claims->environment =
	    tpm_environment(tpm->ak, signer->certified ? &signer->maker : NULL, arena);
	tpm_measure(tpm, NULL, arena, claims);
}

static enum tobi_err
examine_quote(const struct tee_request *request, struct tpm_parts *parts,
	      const struct tpm_attest *quote, const struct tpm_signer *signer,
	      struct checklist *list, struct tee_claims *claims, struct tobi_fault *fault)
{
	uint8_t binding[SHA256_SIZE];
	struct tpm_quoted quoted = {
	    .attest = parts->quote,
	    .scheme = signer->scheme,
	    .hash = signer->hash,
	    .key = signer->key,
	    .verifying = signer->verifying,
	    .banks = parts->banks,
	};
	enum tobi_err err;

	settle_plain(parts, quote, signer);
	quoted.signature = signature_of(parts, signer, parts->quote);
	quoted.bank_count = parts->bank_count;
	quoted.digest_alone = parts->bank_count == 0;
	if (!quoted.signature.size) {
		check_record(list, &tpm_check_signature, false,
			     "a signature of the attestation key",
			     "none came: give it with --with");
		return TOBI_OK;
	}
	if (request->claims_buffer.size) {
		if (hash_sha256(request->claims_buffer, binding))
			return fault_set(fault, TOBI_E_CRYPTO, "TPM evidence", "",
					 "cannot hash");
		quoted.expected_extra = (struct tobi_bytes){binding, sizeof(binding)};
	} else {
		check_waive(list, &check_binding, "it came without claims");
	}
	err = tpm_quoted_verify(&quoted, &rows, list, claims, fault);
	if (err)
		return err;
	check_waive(list, &check_selection,
		    "no PCR values came: the digest stands alone");
	if (quoted.digest_alone)
		check_waive(list, &tpm_check_pcrs,
			    "no PCR values came: the digest stands alone");
	return TOBI_OK;
}

/* Quotes of other banks: by the same key, and for what the first was made for. */
static enum tobi_err examine_more(const struct tpm_parts *parts,
				  const struct tpm_signer *signer, struct checklist *list,
				  struct tee_claims *claims, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < parts->more_quotes.count && !err; i++) {
		struct tpm_quoted quoted = {.attest = parts->more_quotes.items[i],
					    .scheme = signer->scheme,
					    .hash = signer->hash,
					    .key = signer->key,
					    .verifying = signer->verifying,
					    .banks = parts->banks,
					    .bank_count = parts->bank_count};
		struct tpm_attest attest;

		quoted.signature = signature_of(parts, signer, quoted.attest);
		err = tpm_attest_parse(quoted.attest, &attest, fault);
		if (!err)
			err = tpm_quoted_verify(&quoted, &rows, list, claims, fault);
		if (!err && !bytes_equal(attest.extra, claims->tpm->extra))
			check_record(list, &check_binding, false,
				     "quotes that were all made for one nonce",
				     "one of them was made for another");
	}
	return err;
}

/* What came, read. */
struct evidence {
	struct tpm_parts parts;
	struct tpm_attest quote, certify;
	struct tpm_signer *signer;
	const struct nitro_claims *nitro; /* or NULL */
};

static enum tobi_err read_evidence(const struct tee_request *request, struct arena *arena,
				   struct evidence *evidence, struct tobi_fault *fault)
{
	struct tpm_parts *parts = &evidence->parts;
	struct tobi_bytes named;
	enum tobi_err err = tpm_parts_read(request, arena, parts, fault);

	if (!err)
		err = tpm_attest_parse(parts->quote, &evidence->quote, fault);
	if (!err && parts->certify.size)
		err = tpm_attest_parse(parts->certify, &evidence->certify, fault);
	if (err)
		return err;
	named = tpm_nitro_named_key(parts->nitro, arena);
	if (!parts->publics.count && !parts->keys.count && named.size)
		parts->keys.items[parts->keys.count++] = named;
	return tpm_signer_get(request, parts, evidence->certify.name, &evidence->signer,
			      fault);
}

/* Whether a document of NitroTPM names the key. */
static bool is_vouched(const struct evidence *evidence, struct arena *arena)
{
	struct tobi_bytes own = {evidence->signer->spki, SHA256_SIZE}, named;
	uint8_t hash[SHA256_SIZE];

	if (!evidence->nitro || !evidence->signer->key ||
	    evidence->nitro->public_key.size == 0)
		return false;
	named = tpm_nitro_key(evidence->nitro->public_key, arena);
	return named.size && !hash_sha256(named, hash) &&
	       bytes_equal((struct tobi_bytes){hash, sizeof(hash)}, own);
}

static void examine_rest(const struct evidence *evidence, struct checklist *list,
			 struct tee_claims *claims)
{
	const char *wrong;

	if (evidence->parts.certify.size) {
		wrong = wrong_certified(&evidence->parts, &evidence->certify,
					evidence->signer, list->arena, claims->tpm);
		check_record(list, &check_certify, !wrong, "the key, in the same TPM",
			     wrong ? wrong : "");
	} else {
		check_waive(list, &check_certify, "no statement about a key came");
	}
	if (evidence->nitro) {
		wrong = tpm_nitro_wrong(evidence->nitro, claims->tpm);
		check_record(list, &check_nitro, !wrong, "the values of the document",
			     wrong ? wrong : "");
	} else if (!evidence->parts.nitro.size) {
		check_waive(list, &check_nitro, "none came");
	}
}

/* The bank that logs have a digest of most likely; NULL: no value came. */
static const struct tpm_bank *logged_bank(const struct tpm_parts *parts,
					  const struct tpm_claims *tpm)
{
	static const unsigned hashes[] = {TPM_ALG_SHA256, TPM_ALG_SHA384, TPM_ALG_SHA512,
					  TPM_ALG_SHA1};

	for (size_t i = 0; parts->bank_count && i < sizeof(hashes) / sizeof(hashes[0]);
	     i++) {
		const struct tpm_bank *bank = tpm_claims_bank(tpm, hashes[i]);

		if (bank)
			return bank;
	}
	return NULL;
}

/* A log of the document's own is a piece like any other; the same again beside it is no
 * second one. */
static enum tobi_err examine_log(const struct tee_request *request,
				 const struct tpm_parts *parts, struct checklist *list,
				 struct tee_claims *claims, struct tobi_fault *fault)
{
	const struct tpm_bank *bank = logged_bank(parts, claims->tpm);
	struct boot_registers_shown shown = {
	    .kind = BOOT_PCRS, .algorithm = bank ? (uint16_t)bank->hash : TPM_ALG_SHA256};
	struct tobi_bytes pieces[LIMIT_PIECES + 1];
	struct tee_request inner = *request;

	for (unsigned i = 0; bank && i < TPM_PCRS; i++)
		shown.values[i] = bank->pcrs[i];
	if (parts->log.size) {
		inner.piece_count = 0;
		inner.pieces = pieces;
		for (size_t i = 0; i < request->piece_count && i < LIMIT_PIECES; i++) {
			if (!bytes_equal(request->pieces[i], parts->log))
				pieces[inner.piece_count++] = request->pieces[i];
		}
		pieces[inner.piece_count++] = parts->log;
	}
	return boot_examine(&inner, &shown, list, claims, fault);
}

/* What the hardware says beside the TPM, whose tier and whose identity it stays. */
static void take_hardware(const struct tee_claims *hardware, struct tee_claims *claims)
{
	claims->image_id = hardware->image_id;
	claims->config_id = hardware->config_id;
	claims->owner = hardware->owner;
	claims->svn = hardware->svn;
	claims->debug = hardware->debug;
	claims->in_grace = hardware->in_grace;
	claims->dcap = hardware->dcap;
	claims->tdx = hardware->tdx;
	claims->snp = hardware->snp;
	claims->signer_count = hardware->signer_count;
	for (size_t i = 0; i < hardware->signer_count; i++)
		claims->signers[i] = hardware->signers[i];
	for (size_t i = 0; i < hardware->fact_count && claims->fact_count < TEE_FACTS_MAX;
	     i++)
		claims->facts[claims->fact_count++] = hardware->facts[i];
	for (size_t i = 0; i < hardware->warning_count; i++)
		tee_warn(claims, hardware->warnings[i]);
	tee_warn(claims,
		 "ONE NONCE: that the TPM and the hardware's guest are of one machine "
		 "is shown by the nonce alone, which two machines of one owner could "
		 "share");
}

/* Its own checks, under its maker's roots; or under those that the policy names for the
 * tier, and nobody else's. */
static enum tobi_err examine_hardware(const struct tee_request *request,
				      const struct tpm_parts *parts,
				      struct checklist *list, struct tee_claims *claims,
				      struct tobi_fault *fault)
{
	bool snp = parts->hardware_report.size > 0;
	const struct tee_verifier *verifier = snp ? &tee_snp : &tee_tdx;
	struct tee_claims *hardware = arena_alloc(list->arena, sizeof(*hardware));
	struct tobi_bytes pieces[LIMIT_PIECES + TPM_PARTS_EACH];
	uint8_t expected[64] = {0};
	struct tee_request inner = *request;
	enum tobi_err err;

	if (!snp && !parts->hardware_quote.size) {
		check_waive(list, &check_hardware, "none came");
		return TOBI_OK;
	}
	if (!hardware)
		return fault_set(fault, TOBI_E_MEMORY, "TPM evidence", "",
				 "out of memory");
	inner.evidence = snp ? parts->hardware_report : parts->hardware_quote;
	inner.claims_buffer = (struct tobi_bytes){0};
	inner.bound_elsewhere = "it is bound to the quote's nonce (TPM-HARDWARE)";
	if (!request->anchors_pem.size)
		inner.pins = vendor_root_pins(verifier->tier);
	inner.pieces = pieces;
	inner.piece_count = 0;
	for (size_t i = 0; i < parts->hardware_pieces.count; i++)
		pieces[inner.piece_count++] = parts->hardware_pieces.items[i];
	/* A log is the guest's, and told from the TPM. */
	for (size_t i = 0; i < request->piece_count && i < LIMIT_PIECES; i++) {
		if (!event_log_starts(request->pieces[i]) &&
		    !ima_log_starts(request->pieces[i]))
			pieces[inner.piece_count++] = request->pieces[i];
	}
	inner.endorsements = (struct tobi_bytes){0};
	err = verifier->examine(&inner, list, hardware, fault);
	if (err)
		return err;
	bytes_copy(expected, sizeof(expected), claims->tpm->extra.ptr,
		   claims->tpm->extra.size <= sizeof(expected) ? claims->tpm->extra.size
							       : 0);
	check_record_equal(list, &check_hardware,
			   (struct tobi_bytes){expected, sizeof(expected)},
			   hardware->report_data);
	take_hardware(hardware, claims);
	return TOBI_OK;
}

static enum tobi_err examine_all(const struct tee_request *request,
				 struct evidence *evidence, struct checklist *list,
				 struct tee_claims *claims, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;
	bool vouched;

	claims->tier = tee_tpm.tier;
	claims->timeless = true;
	examine_parts(&evidence->parts, list);
	if (evidence->parts.nitro.size)
		err = tpm_nitro_examine(request, evidence->parts.nitro, list, claims,
					&evidence->nitro, fault);
	if (err)
		return err;
	vouched = is_vouched(evidence, list->arena);
	examine_signer(evidence->signer, vouched, list);
	if (vouched && !evidence->signer->has_public && !evidence->signer->certified &&
	    !evidence->signer->named)
		tee_warn(
		    claims,
		    "KEY BY ITS OWN WORD: the guest named the attestation key in "
		    "NitroTPM's document, and its public area did not come; whoever is "
		    "root there could sign old values with a key outside the TPM, for "
		    "as long as that document counts");
	err = examine_quote(request, &evidence->parts, &evidence->quote, evidence->signer,
			    list, claims, fault);
	if (err || !claims->tpm)
		return err;
	err = examine_more(&evidence->parts, evidence->signer, list, claims, fault);
	if (err)
		return err;
	examine_rest(evidence, list, claims);
	fill_claims(evidence->signer, list->arena, claims);
	err = examine_hardware(request, &evidence->parts, list, claims, fault);
	if (err)
		return err;
	return examine_log(request, &evidence->parts, list, claims, fault);
}

static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	struct evidence *evidence = arena_alloc(list->arena, sizeof(*evidence));
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	if (!evidence)
		return fault_set(fault, TOBI_E_MEMORY, "TPM evidence", "",
				 "out of memory");
	err = read_evidence(request, list->arena, evidence, fault);
	if (!err)
		err = examine_all(request, evidence, list, ret_claims, fault);
	if (evidence->signer)
		memo_unref(&evidence->signer->head);
	return err;
}

const struct tee_verifier tee_tpm = {
    "tpm",   "tpm-quote",  "application/vnd.tobichi.tpm-quote",
    0,	     checks,	   tpm_parts_recognise,
    examine, tee_takes_any};
