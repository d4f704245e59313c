#include "tee/dcap.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/key_library.h"
#include "pki/memo.h"
#include "pki/signature.h"
#include "tee/dcap_path.h"
#include "tee/sgx_report.h"

#define API "Intel SGX ECDSA QuoteLibReference DCAP API, appendix A.4"
#define PROFILE "Intel SGX PCK Certificate and CRL Profile Specification"

const struct check check_dcap_pck_chain = {
    "DCAP-PCK-CHAIN",
    "Intel certifies the platform: its certificate goes back to a root that the policy "
    "trusts",
    PROFILE "; RFC 5280 section 6",
    "Ask for the quote again with its whole chain, or give the platform's PCK "
    "certificate with it; check the time of verification, and the policy's roots."};
const struct check check_dcap_pck_revocation = {
    "DCAP-PCK-REVOCATION", "neither the platform nor the CA that certifies it is revoked",
    PROFILE "; RFC 5280 section 6.3",
    "Give newer collateral (`tobichi collateral fetch`); check the time of "
    "verification. A platform that is revoked must not be used."};
const struct check check_dcap_qe_signature = {
    "DCAP-QE-SIGNATURE", "the platform's key signed the report of its quoting enclave",
    API, "The quote was changed, or put together from several. Do not use it."};
const struct check check_dcap_qe_binding = {
    "DCAP-QE-BINDING", "the quoting enclave vouches for the key that signed the quote",
    API, "The quote was changed, or put together from several. Do not use it."};
const struct check check_dcap_quote_signature = {
    "DCAP-QUOTE-SIGNATURE", "that key signed exactly this quote", API,
    "The quote was changed after it was signed. Do not use it."};

enum { KEY_PART_COUNT = 6, TEXT_ROOM = 512 };

/* All that is proven of a key for quotes. It stays the same for a platform until it makes
 * a new one; only the quote's own signature is new each time. */
struct key {
	struct memo_value head;
	struct verifying quotes; /* by it; not made: the point is none */
	struct dcap_pck pck;
	const char *ca;
	int64_t next_update;
};

static void free_key(struct memo_value *value)
{
	struct key *key = (struct key *)value;

	verifying_done(&key->quotes);
	free(key);
}

static void unref_key(struct key **key)
{
	if (*key)
		memo_unref(&(*key)->head);
}

/* Of each of the kind, for what it may be found in. */
static void add_hashes(const struct tee_request *request, enum collateral_kind kind,
		       struct writer *out)
{
	const struct collateral_item *item;

	for (size_t i = 0; (item = collateral_at(request->collateral, i)); i++) {
		if (item->kind == kind)
			wr_bytes(out, item->hash, sizeof(item->hash));
	}
}

/* What came beside a quote that brings no chain. */
static void add_sources(const struct tee_request *request, struct writer *out)
{
	uint8_t hash[SHA256_SIZE];

	for (size_t i = 0; i < request->piece_count; i++) {
		if (!hash_sha256(request->pieces[i], hash))
			wr_bytes(out, hash, sizeof(hash));
	}
	if (!hash_sha256(request->endorsements, hash))
		wr_bytes(out, hash, sizeof(hash));
	add_hashes(request, COLLATERAL_PCK, out);
	add_hashes(request, COLLATERAL_CERTIFICATE, out);
}

/* The one of several that counts at the request's time. */
static void add_list(const struct tee_request *request, enum collateral_kind kind,
		     const char *name, struct writer *out)
{
	const struct collateral_item *item =
	    collateral_find_at(request->collateral, kind, name, request->time);

	if (item)
		wr_bytes(out, item->hash, sizeof(item->hash));
}

static enum tobi_err name_key(const struct tee_request *request,
			      const struct dcap_quote *quote, struct memo_name *ret_name)
{
	CLEANUP(wr_done) struct writer lists = wr_init((size_t)3 * SHA256_SIZE);
	CLEANUP(wr_done) struct writer sources = wr_init(LIMIT_BUNDLE);
	uint8_t numbers[16];
	const uint8_t type = (uint8_t)quote->certification;
	struct tobi_bytes parts[KEY_PART_COUNT];

	add_list(request, COLLATERAL_INTEL_ROOT_CRL, "", &lists);
	add_list(request, COLLATERAL_PCK_CRL, "platform", &lists);
	add_list(request, COLLATERAL_PCK_CRL, "processor", &lists);
	if (type != DCAP_PCK_CHAIN)
		add_sources(request, &sources);
	if (wr_err(&lists) || wr_err(&sources))
		return TOBI_E_MEMORY;
	store_be(numbers, 8, (uint64_t)request->grace);
	store_be(numbers + 8, 8, (uint64_t)request->baseline);
	parts[0] = quote->key_part;
	parts[1] = (struct tobi_bytes){&type, 1};
	parts[2] =
	    (struct tobi_bytes){request->pins.keys[0], request->pins.count * SHA256_SIZE};
	parts[3] = wr_view(&lists);
	parts[4] = wr_view(&sources);
	parts[5] = (struct tobi_bytes){numbers, sizeof(numbers)};
	return memo_name_make("dcap-key", parts, KEY_PART_COUNT, ret_name);
}

static void failed(struct checklist *list, const struct check *check,
		   const char *expected, const struct tobi_fault *fault)
{
	char text[TEXT_ROOM];

	tobi_fault_print(fault, text, sizeof(text));
	check_record(list, check, false, expected, text);
}

/* REPORTDATA of the quoting enclave: SHA-256 of the key and its authentication data, then
 * zeros. */
static enum tobi_err binds(const struct dcap_quote *quote, bool *ret_binds)
{
	CLEANUP(wr_done) struct writer both = wr_init(64 + LIMIT_DCAP_AUTH);
	struct sgx_report report;
	uint8_t expected[64] = {0};
	enum tobi_err err = sgx_report_read(quote->qe_report, "QE report", &report, NULL);

	wr_bytes(&both, quote->attestation_key.ptr, quote->attestation_key.size);
	wr_bytes(&both, quote->qe_auth.ptr, quote->qe_auth.size);
	if (!err)
		err = wr_err(&both);
	if (!err)
		err = hash_sha256(wr_view(&both), expected);
	if (err)
		return err;
	*ret_binds = bytes_equal((struct tobi_bytes){expected, sizeof(expected)},
				 report.report_data);
	return TOBI_OK;
}

static void record_signature(struct checklist *list, bool holds)
{
	check_record(list, &check_dcap_qe_signature, holds,
		     "a signature of the key in the PCK certificate",
		     holds ? "" : "the signature does not verify");
}

static void record_binding(struct checklist *list, bool holds)
{
	check_record(list, &check_dcap_qe_binding, holds,
		     "the hash of the key and of the authentication data",
		     holds ? "" : "the report names another key");
}

/* Whom the certificate is of; both where it was verified now, and where before. */
static void record_chain(struct checklist *list, const struct key *key)
{
	char ppid[2 * DCAP_PPID_SIZE + 1], text[TEXT_ROOM];

	hex_write((struct tobi_bytes){key->pck.ppid, DCAP_PPID_SIZE}, ppid, sizeof(ppid));
	snprintf(text, sizeof(text), "the %s CA certifies platform %s", key->ca, ppid);
	check_record(list, &check_dcap_pck_chain, true, "", text);
}

/* Fills key as far as it gets; sets *ret_chain once the chain holds, and *ret_all once
 * all of it does, in the window. */
struct proof {
	bool chain, all;
	struct chain_window window;
};

static void prove_chain(const struct tee_request *request, struct dcap_path *path,
			struct checklist *list, struct key *key, struct proof *proof)
{
	struct tobi_fault fault = {0};

	if (dcap_path_verify(request, path, &fault)) {
		failed(list, &check_dcap_pck_chain,
		       "a valid chain to a root that the policy trusts", &fault);
		return;
	}
	proof->chain = true;
	key->pck = path->pck;
	key->ca = path->ca;
	record_chain(list, key);
	if (dcap_path_revocation(request, path, &fault)) {
		failed(list, &check_dcap_pck_revocation, "valid lists that name neither",
		       &fault);
		return;
	}
	check_record(list, &check_dcap_pck_revocation, true, "", "");
	proof->all = true;
	proof->window = path->window;
	key->next_update = path->next_update;
}

static enum tobi_err prove(const struct tee_request *request,
			   const struct dcap_quote *quote, struct checklist *list,
			   struct key *key, struct proof *proof, struct tobi_fault *fault)
{
	CLEANUP(dcap_path_done)
	struct dcap_path path = {.pool.memo = request->memo};
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *point = NULL;
	struct tobi_fault why = {0};
	bool bound = false;
	enum tobi_err err = dcap_path_find(request, quote, &path, &why);

	if (err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO)
		return fault_set(fault, err, "quote", "certificates", "out of memory");
	if (err) {
		failed(list, &check_dcap_pck_chain, "the certificate of the platform",
		       &why);
	} else {
		prove_chain(request, &path, list, key, proof);
		record_signature(list, path.signed_report);
		proof->all &= path.signed_report;
	}
	err = binds(quote, &bound);
	if (err)
		return fault_set(fault, err, "quote", "QE report", "cannot hash");
	record_binding(list, bound);
	proof->all &= bound;
	/* A point that is none is no key: the quote's signature will say so. */
	if (ec_key_read(KEY_P256, quote->attestation_key, "attestation key", &point,
			NULL) ||
	    verifying_make(point, VERIFYING_ECDSA, key_library_sha256(), &key->quotes,
			   NULL))
		proof->all = false;
	return TOBI_OK;
}

static void record_known(struct checklist *list, const struct key *key)
{
	record_chain(list, key);
	check_record(list, &check_dcap_pck_revocation, true, "", "");
	record_signature(list, true);
	record_binding(list, true);
}

static void take_pck(const struct key *key, struct arena *arena,
		     struct tee_claims *claims, struct dcap_claims *dcap)
{
	static const char *const kinds[] = {"standard", "scalable",
					    "scalable with integrity"};
	const struct dcap_pck *pck = &dcap->pck;

	dcap->has_pck = true;
	dcap->pck = key->pck;
	dcap->ca = key->ca;
	claims->hardware = (struct tobi_bytes){pck->ppid, sizeof(pck->ppid)};
	tee_fact_hex(claims, arena, "platform (PPID)", claims->hardware);
	if (pck->has_instance)
		tee_fact_hex(claims, arena, "platform instance",
			     (struct tobi_bytes){pck->instance, sizeof(pck->instance)});
	tee_fact_hex(claims, arena, "FMSPC",
		     (struct tobi_bytes){pck->fmspc, sizeof(pck->fmspc)});
	tee_fact_hex(claims, arena, "PCE-ID",
		     (struct tobi_bytes){pck->pce_id, sizeof(pck->pce_id)});
	tee_fact_hex(claims, arena, "CPUSVN of the certificate",
		     (struct tobi_bytes){pck->cpusvn, sizeof(pck->cpusvn)});
	tee_fact_hex(claims, arena, "SGX TCB components",
		     (struct tobi_bytes){pck->components, sizeof(pck->components)});
	tee_fact(claims, arena, "PCE SVN", "%u", pck->pcesvn);
	tee_fact(claims, arena, "SGX type", "%s", kinds[pck->platform]);
	tee_fact(claims, arena, "certified by", "Intel's %s CA", key->ca);
	if (pck->has_configuration)
		tee_fact(claims, arena, "platform configuration",
			 "dynamic platform %s, cached keys %s, SMT %s",
			 pck->dynamic_platform ? "yes" : "no",
			 pck->cached_keys ? "yes" : "no", pck->smt ? "on" : "off");
}

static void check_signature(const struct dcap_quote *quote, const struct key *key,
			    struct checklist *list)
{
	bool holds =
	    ec_signature_holds_by(&key->quotes, quote->signed_part, quote->signature);

	check_record(list, &check_dcap_quote_signature, holds,
		     "a signature of the attestation key",
		     holds		   ? ""
		     : key->quotes.context ? "the signature does not verify"
					   : "the key is no point on the curve");
}

/* NULL only without memory. */
static struct key *new_key(void)
{
	struct key *key = calloc(1, sizeof(*key));

	if (key)
		key->head = (struct memo_value){1, free_key};
	return key;
}

enum tobi_err dcap_examine(const struct tee_request *request,
			   const struct dcap_quote *quote, struct checklist *list,
			   struct tee_claims *claims, struct dcap_claims **ret_claims,
			   struct tobi_fault *fault)
{
	struct dcap_claims *dcap = arena_alloc(list->arena, sizeof(*dcap));
	CLEANUP(unref_key) struct key *key = NULL;
	struct proof proof = {0};
	struct memo_name name;
	enum tobi_err err;

	if (!dcap)
		return fault_set(fault, TOBI_E_MEMORY, "quote", "", "out of memory");
	if (name_key(request, quote, &name))
		return fault_set(fault, TOBI_E_MEMORY, "quote", "", "cannot hash it");
	key = (struct key *)memo_find(request->memo, &name, request->time);
	if (key) {
		proof.chain = true;
		record_known(list, key);
	} else {
		key = new_key();
		if (!key)
			return fault_set(fault, TOBI_E_MEMORY, "quote", "",
					 "out of memory");
		err = prove(request, quote, list, key, &proof, fault);
		if (err)
			return err;
		if (proof.all)
			memo_keep(request->memo, &name, &proof.window, &key->head);
	}
	check_signature(quote, key, list);
	if (proof.chain)
		take_pck(key, list->arena, claims, dcap);
	if (key->next_update)
		dcap_note_grace(claims, request, list->arena,
				"a list of revoked certificates", key->next_update);
	claims->dcap = dcap;
	*ret_claims = dcap;
	return TOBI_OK;
}

void dcap_note_grace(struct tee_claims *claims, const struct tee_request *request,
		     struct arena *arena, const char *what, int64_t next_update)
{
	if (request->time >= next_update && !claims->in_grace)
		claims->in_grace = arena_printf(arena, "%s", what);
}
