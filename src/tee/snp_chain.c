#include "tee/snp_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "pki/signature.h"
#include "tee/snp_material.h"

#define ABI "AMD 56860 (SEV-SNP firmware ABI), "
#define KDS "AMD 57230 (VCEK certificate and KDS), "

const struct check snp_check_certificate = {
    "SNP-CERTIFICATE",
    "there is a certificate of the key that signs this chip's reports, in AMD's form",
    KDS "section 3",
    "Give the chip's VCEK, or the cloud's VLEK: --with FILE, or `tobichi collateral "
    "fetch`."};
const struct check snp_check_leaf_kind = {
    "SNP-LEAF-KIND",
    "the certificate is of the kind of key that the report says has signed it",
    ABI "ATTESTATION_REPORT, SIGNING_KEY; " KDS "section 3",
    "Give the VCEK for a report signed with a VCEK, the VLEK for one signed with a "
    "VLEK."};
const struct check snp_check_chain = {
    "SNP-CHAIN",
    "AMD vouches for that key: the certificate chains to a root that is trusted",
    KDS "section 2; RFC 5280 section 6",
    "Give the product's ASK (or ASVK) and ARK, AMD's cert_chain: --with FILE, or "
    "`tobichi collateral fetch`; check the time of verification."};
const struct check snp_check_issuer = {
    "SNP-ISSUER",
    "the chain is that of the certificate's own product and kind, and of no other",
    KDS "section 2",
    "The certificate was issued by a CA of another product or kind. Do not trust it."};
const struct check snp_check_crl = {
    "SNP-CRL", "AMD's list of revoked certificates is there, genuine and current",
    KDS "section 4.3; RFC 5280 section 5; Tobichi policy, snp.crl",
    "Fetch the list again (`tobichi collateral fetch`), into a bundle where the policy "
    "names whose count (collateral.signers); or let the policy say `crl: "
    "not-required`."};
const struct check snp_check_revoked = {
    "SNP-REVOKED", "AMD has not revoked the issuer or the certificate",
    KDS "section 4.3; RFC 5280 section 5",
    "Do not trust the platform: AMD has withdrawn what vouches for it."};

static void chain_free(struct memo_value *value)
{
	struct snp_chain *chain = (struct snp_chain *)value;

	EVP_PKEY_free(chain->key);
	free(chain);
}

static struct snp_chain *chain_new(void)
{
	struct snp_chain *chain = calloc(1, sizeof(*chain));

	if (!chain)
		return NULL;
	atomic_init(&chain->head.references, 1);
	chain->head.free = chain_free;
	return chain;
}

/* All that a chain depends on, but the time: what the certificate is chosen by, whom the
 * policy trusts, what it says of lists, and every part. */
static enum tobi_err make_name(const struct snp_chain_request *request,
			       const struct snp_parts *parts, struct memo_name *ret_name)
{
	const struct tee_request *tee = request->tee;
	struct tobi_bytes all[SNP_PARTS_MAX + 4];
	uint8_t numbers[20];

	store_le(numbers, 8, (uint64_t)tee->grace);
	store_le(numbers + 8, 8, (uint64_t)tee->baseline);
	numbers[16] = (uint8_t)snp_report_key(request->report);
	numbers[17] = parts->too_many;
	numbers[18] = tee->collateral_is_named;
	numbers[19] = (uint8_t)parts->beside;
	all[0] = (struct tobi_bytes){numbers, sizeof(numbers)};
	all[1] = (struct tobi_bytes){tee->pins.keys[0],
				     tee->pins.count * sizeof(*tee->pins.keys)};
	all[2] = request->report->chip_id;
	all[3] = request->report->reported_tcb;
	for (size_t i = 0; i < parts->count; i++)
		all[4 + i] = parts->items[i];
	return memo_name_make("snp-chain", all, 4 + parts->count, ret_name);
}

/* What a chain is made of while it is looked for. */
struct search {
	const struct snp_chain_request *request;
	struct checklist *list;
	struct snp_material material;
	struct snp_leaf leaf;
	X509 *certificate; /* of the leaf; borrowed from material */
	bool by_signature; /* several were as good: the report's signature has chosen */
	struct tobi_fault fault; /* why the best could not be read */
	struct pinned_chain chain;
	struct chain_window window;
	bool sound; /* every check so far has passed */
};

static void search_done(struct search *search)
{
	snp_material_done(&search->material);
	pinned_chain_done(&search->chain);
}

static bool record(struct search *search, const struct check *check, bool passed,
		   const char *expected, const char *found)
{
	search->sound &= passed;
	return check_record(search->list, check, passed, expected, found);
}

static bool record_fault(struct search *search, const struct check *check,
			 const char *expected, const struct tobi_fault *fault)
{
	char text[512];

	tobi_fault_print(fault, text, sizeof(text));
	return record(search, check, false, expected, text);
}

static bool is_in_time(const X509 *certificate, int64_t time)
{
	time_t at = (time_t)time;

	return X509_cmp_time(X509_get0_notBefore(certificate), &at) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(certificate), &at) > 0;
}

static bool is_chip(const struct snp_leaf *leaf, const struct snp_report *report)
{
	const struct tobi_bytes chip = {leaf->chip, sizeof(leaf->chip)};

	return leaf->kind == SNP_KEY_VLEK || snp_is_zero(report->chip_id) ||
	       bytes_equal(chip, report->chip_id);
}

/* How much of what the report says of its key fits; the most important first. */
static int fit(const struct search *search, const struct snp_leaf *leaf,
	       const X509 *certificate)
{
	const struct snp_report *report = search->request->report;
	const struct tobi_bytes tcb = {leaf->tcb, sizeof(leaf->tcb)};

	return 8 * (leaf->kind == snp_report_key(report)) + 4 * is_chip(leaf, report) +
	       2 * bytes_equal(tcb, report->reported_tcb) +
	       is_in_time(certificate, search->request->tee->time);
}

static bool has_signed(X509 *certificate, const struct snp_report *report)
{
	uint8_t raw[96];

	return snp_signature_read(report->signature, raw) &&
	       ec_signature_holds(X509_get0_pubkey(certificate), report->signed_part,
				  (struct tobi_bytes){raw, sizeof(raw)});
}

/* Of those that fit best; between equals (VLEKs do not name a chip) by whose key made the
 * signature, which is checked in any case. */
static void choose(struct search *search)
{
	const struct snp_report *report = search->request->report;
	int best = -1;

	for (size_t i = 0; i < search->material.leaf_count; i++) {
		X509 *certificate = search->material.leaves[i];
		struct snp_leaf leaf;
		struct tobi_fault fault = {0};
		int score;

		if (snp_leaf_read(certificate, &leaf, &fault)) {
			search->fault = search->fault.code ? search->fault : fault;
			continue;
		}
		score = fit(search, &leaf, certificate);
		search->by_signature =
		    score == best || (score < best && search->by_signature);
		if (score < best || (score == best && !has_signed(certificate, report)))
			continue;
		best = score;
		search->leaf = leaf;
		search->certificate = certificate;
	}
}

static bool check_leaf(struct search *search)
{
	static const char expected[] = "a VCEK's or VLEK's certificate";
	const char *kind = search->leaf.kind == SNP_KEY_VLEK ? "VLEK" : "VCEK";
	const char *wanted =
	    snp_report_key(search->request->report) == SNP_KEY_VLEK ? "VLEK" : "VCEK";

	if (!search->certificate && search->fault.code)
		return record_fault(search, &snp_check_certificate, expected,
				    &search->fault);
	if (!search->certificate && search->material.unread.code)
		return record_fault(search, &snp_check_certificate, expected,
				    &search->material.unread);
	if (!record(search, &snp_check_certificate, search->certificate != NULL, expected,
		    search->certificate ? search->leaf.product_name : "there is none"))
		return false;
	record(search, &snp_check_leaf_kind,
	       search->leaf.kind == snp_report_key(search->request->report), wanted,
	       kind);
	return true;
}

static bool check_path(struct search *search)
{
	const struct tee_request *tee = search->request->tee;
	const struct pinned_request request = {.leaf = search->certificate,
					       .others = search->material.issuers,
					       .count = search->material.issuer_count,
					       .pins = &tee->pins,
					       .time = tee->time};
	struct tobi_fault fault = {0};

	if (search->material.too_many)
		return record(search, &snp_check_chain, false,
			      "a chain to one of AMD's roots",
			      "more certificates or lists came than are looked at");
	if (pinned_chain_verify(&request, "SNP certificates", &search->chain, &fault))
		return record_fault(search, &snp_check_chain,
				    "a chain to one of AMD's roots", &fault);
	search->window = search->chain.window;
	return record(search, &snp_check_chain, true, "", "");
}

/* ARK, ASK (or ASVK), leaf; nothing between. */
static bool check_names(struct search *search)
{
	const struct pinned_chain *chain = &search->chain;
	const char *product = search->leaf.product->name;
	char root[32], issuer[32], found[160] = "", expected[80];
	char names[2][64] = {"", ""};

	snprintf(root, sizeof(root), "ARK-%s", product);
	snprintf(issuer, sizeof(issuer), "SEV-%s%s",
		 search->leaf.kind == SNP_KEY_VLEK ? "VLEK-" : "", product);
	snprintf(expected, sizeof(expected), "issued by %s, root %s", issuer, root);
	if (chain->count >= 2) {
		certificate_name(chain->certificates[1], names[0], sizeof(names[0]));
		certificate_name(chain->certificates[chain->count - 1], names[1],
				 sizeof(names[1]));
	}
	snprintf(found, sizeof(found), "issued by %s, root %s (%zu certificates)",
		 names[0], names[1], chain->count);
	return record(search, &snp_check_issuer,
		      chain->count == 3 &&
			  certificate_is_named(chain->certificates[1], issuer) &&
			  certificate_is_named(chain->certificates[2], root),
		      expected, found);
}

static bool is_of_root(X509_CRL *crl, const X509 *root)
{
	return X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(root)) == 0;
}

/* A list that may be relied on; else the fault says why not. */
static bool is_good(const struct search *search, X509_CRL *crl,
		    struct chain_window *ret_window, struct tobi_fault *fault)
{
	const struct tee_request *tee = search->request->tee;

	if (crl_verify(crl, search->chain.certificates[2], tee->time, tee->grace,
		       "SNP CRL", ret_window, fault))
		return false;
	if (crl_issued(crl) >= tee->baseline)
		return true;
	fault_set(fault, TOBI_E_CERTIFICATE, "SNP CRL", "thisUpdate",
		  "it was issued before the policy's baseline");
	return false;
}

static void narrow(struct search *search, const struct chain_window *window,
		   struct snp_chain *chain)
{
	int64_t end = window->not_after - search->request->tee->grace;

	if (window->not_before > search->window.not_before)
		search->window.not_before = window->not_before;
	if (window->not_after < search->window.not_after)
		search->window.not_after = window->not_after;
	if (!chain->has_crl || end > chain->crl_end)
		chain->crl_end = end;
	chain->has_crl = true;
}

static bool revokes(const struct search *search, X509_CRL *crl)
{
	X509 *const *certificates = search->chain.certificates;

	return crl_revokes(crl, certificates[1]) || crl_revokes(crl, certificates[0]);
}

/* AMD lists what the ARK has issued, and the keys of chips and clouds. */
static void check_revoked(struct search *search, X509_CRL *crl)
{
	X509 *const *certificates = search->chain.certificates;
	bool issuer = crl_revokes(crl, certificates[1]);

	record(search, &snp_check_revoked, !issuer && !crl_revokes(crl, certificates[0]),
	       "neither is on the list",
	       issuer ? "the issuer is revoked" : "the certificate is revoked");
}

/* Where the policy names whose collateral counts, a list that came beside the report does
 * not stand in for it: who shows the report chose it. What it revokes is revoked. */
static bool may_stand(const struct search *search, size_t index)
{
	return !search->request->tee->collateral_is_named ||
	       search->material.crl_is_collateral[index];
}

/* Each list of the root that is good counts; one must be. Without any both checks have no
 * record: which refuses, unless the policy says that none is owed. */
static void check_lists(struct search *search, struct snp_chain *chain)
{
	struct tobi_fault first = {0};

	for (size_t i = 0; i < search->material.crl_count; i++) {
		X509_CRL *crl = search->material.crls[i];
		struct chain_window window = {0};
		struct tobi_fault fault = {0};
		bool stands = may_stand(search, i), good;

		if (!is_of_root(crl, search->chain.certificates[2]))
			continue;
		good = is_good(search, crl, &window, &fault);
		/* Another time may make it a good one. */
		search->sound &= good;
		if (good && stands)
			narrow(search, &window, chain);
		if (good && (stands || revokes(search, crl)))
			check_revoked(search, crl);
		if (!good && stands && !first.code)
			first = fault;
	}
	if (chain->has_crl)
		record(search, &snp_check_crl, true, "", "");
	else if (first.code)
		record_fault(search, &snp_check_crl, "a current list of the ARK", &first);
}

/* A chain that is good enough to be remembered is returned with its checks recorded; so
 * is one that is not, but not remembered. */
static enum tobi_err build(struct search *search, const struct memo_name *name,
			   struct snp_chain **ret_chain, struct tobi_fault *fault)
{
	struct snp_chain *chain;

	choose(search);
	if (!check_leaf(search))
		return TOBI_OK;
	chain = chain_new();
	if (!chain)
		return fault_set(fault, TOBI_E_MEMORY, "SNP certificates", "",
				 "out of memory");
	chain->leaf = search->leaf;
	chain->key = X509_get_pubkey(search->certificate);
	certificate_name(search->certificate, chain->leaf_name, sizeof(chain->leaf_name));
	if (check_path(search) && check_names(search)) {
		certificate_name(search->chain.certificates[2], chain->root_name,
				 sizeof(chain->root_name));
		check_lists(search, chain);
	}
	if (search->sound && chain->key && !search->by_signature)
		memo_keep(search->request->tee->memo, name, &search->window,
			  &chain->head);
	*ret_chain = chain;
	return TOBI_OK;
}

/* What was recorded when it was found, without the work. */
static void record_known(const struct snp_chain *chain, struct checklist *list)
{
	check_record(list, &snp_check_certificate, true, "", chain->leaf.product_name);
	check_record(list, &snp_check_leaf_kind, true, "", "");
	check_record(list, &snp_check_chain, true, "", "");
	check_record(list, &snp_check_issuer, true, "", "");
	if (!chain->has_crl)
		return;
	check_record(list, &snp_check_crl, true, "", "");
	check_record(list, &snp_check_revoked, true, "", "");
}

enum tobi_err snp_chain_find(const struct snp_chain_request *request,
			     struct checklist *list, struct snp_chain **ret_chain,
			     struct tobi_fault *fault)
{
	CLEANUP(search_done)
	struct search search = {.request = request, .list = list, .sound = true};
	struct snp_parts *parts = arena_alloc(list->arena, sizeof(*parts));
	struct memo_name name;
	struct snp_chain *known;

	*ret_chain = NULL;
	if (!parts)
		return fault_set(fault, TOBI_E_MEMORY, "SNP certificates", "",
				 "out of memory");
	snp_parts_list(request->tee, request->report, request->table, parts);
	if (make_name(request, parts, &name))
		return fault_openssl(fault, "SNP certificates", "", "cannot hash them");
	known =
	    (struct snp_chain *)memo_find(request->tee->memo, &name, request->tee->time);
	if (known) {
		record_known(known, list);
		*ret_chain = known;
		return TOBI_OK;
	}
	snp_material_read(parts, &search.material);
	return build(&search, &name, ret_chain, fault);
}
