#include "tee/epid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/key_library.h"
#include "pki/memo.h"
#include "pki/pinned.h"
#include "tee/epid_parts.h"
#include "tee/epid_report.h"

#define IAS "Intel, Attestation Service for SGX API, "
#define SPEC "Tobichi protocols, section 14.6"

enum {
	CLOCK_SKEW = 60,
	LAST_VERSION = 5,
	FIRST_VERSION = 2,
	QUOTE_VERSION = 2,
	RSA_BITS_MIN = 2048,
	CHAIN_SIZE = 2,
	CONFIG_SIZE = 64,
};

static const struct check check_format = {
    "EPID-FORMAT",
    "a report, one signature and certificates came, and the report can be read", SPEC,
    "Give the signature and the certificates that came as the reply's headers: "
    "`tobichi verify --with FILE`."};
static const struct check check_version = {
    "EPID-VERSION", "the report is of a version that is known here",
    IAS "section 4.2 (version)", "Update this verifier."};
static const struct check check_chain = {
    "EPID-CHAIN", "the service's certificate chains to Intel's root for such reports",
    IAS "section 4.2.3; RFC 5280 section 6",
    "The certificate has dates: to read an archived report give the time at which it "
    "counts (`--at`)."};
static const struct check check_signature = {
    "EPID-SIGNATURE", "the service signed exactly these bytes",
    IAS "section 4.2.3 (X-IASReport-Signature)",
    "The report was changed after it was signed. A line end that an editor added counts, "
    "too."};
static const struct check check_status = {
    "EPID-STATUS",
    "Intel has found the quote's signature good, and neither it nor its key revoked",
    IAS "section 4.2.1 (isvEnclaveQuoteStatus)",
    "Do not use this enclave: its platform's key is revoked, or the quote is forged."};
static const struct check check_quote = {
    "EPID-QUOTE", "the report is of a quote whose form is known here",
    IAS "section 4.2.1 (isvEnclaveQuoteBody)", "Update this verifier."};
static const struct check check_report_data = {
    "EPID-REPORT-DATA", "the enclave's report is bound to exactly these claims", SPEC,
    "The evidence belongs to another request. Ask for it again with your own nonce."};
static const struct check check_time = {
    "EPID-TIME", "the report's time is not in the future",
    IAS "section 4.2.1 (timestamp)", "Set this machine's clock."};

static const struct check *const checks[] = {
    &check_format,	&check_version, &check_chain,
    &check_signature,	&check_status,	&check_quote,
    &check_report_data, &check_time,	NULL,
};

/* A chain that was verified: whose key signs reports. */
struct signing_key {
	struct memo_value head;
	EVP_PKEY *key;
};

static void signing_key_free(struct memo_value *value)
{
	struct signing_key *known = (struct signing_key *)value;

	EVP_PKEY_free(known->key);
	free(known);
}

DEFINE_CLEANUP(BIO *, BIO_free_all)

/* Certificates as they were read. */
struct certificates {
	X509 *list[PINNED_CERTIFICATES_MAX];
	size_t count;
};

static void certificates_done(struct certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++)
		X509_free(certificates->list[i]);
}

static enum tobi_err add_der(struct certificates *out, struct tobi_bytes der,
			     struct tobi_fault *fault)
{
	enum tobi_err err;

	if (out->count == PINNED_CERTIFICATES_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "EPID report", "certificates",
				 "more than %d", PINNED_CERTIFICATES_MAX);
	err = chain_read_certificate(der, "EPID report", &out->list[out->count], fault);
	out->count += !err;
	return err;
}

/* To the bytes of each, which are then read once: reading a certificate takes longer than
 * a signature. */
static enum tobi_err add_pem(struct certificates *out, struct tobi_bytes pem,
			     struct tobi_fault *fault)
{
	CLEANUP(BIO_free_allp) BIO *bio = NULL;
	enum tobi_err err = TOBI_OK;

	if (pem.size > LIMIT_PEM)
		return fault_set(fault, TOBI_E_LIMIT, "EPID report", "certificates",
				 "over %d bytes", LIMIT_PEM);
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.size);
	if (!bio)
		return fault_set(fault, TOBI_E_MEMORY, "EPID report", "",
				 "out of memory");
	while (!err) {
		char *name = NULL, *header = NULL;
		unsigned char *der = NULL;
		long size = 0;

		if (PEM_read_bio(bio, &name, &header, &der, &size) != 1)
			break;
		if (strcmp(name, PEM_STRING_X509) == 0 && header[0] == 0)
			err = add_der(out, (struct tobi_bytes){der, (size_t)size}, fault);
		else
			err = fault_set(fault, TOBI_E_MALFORMED, "EPID report",
					"certificates", "something else is among them");
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	/* It stops at the end of the last one, and at what is none. */
	if (!err && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		err = fault_set(fault, TOBI_E_MALFORMED, "EPID report", "certificates",
				"certificate %zu is not valid PEM", out->count + 1);
	ERR_clear_error();
	return err;
}

static enum tobi_err read_certificates(const struct epid_parts *parts,
				       struct certificates *out, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < parts->count && !err; i++) {
		struct tobi_bytes one = parts->certificates[i];

		if (!one.size)
			err = fault_set(fault, TOBI_E_MALFORMED, "EPID report",
					"certificates", "one of them is empty");
		else
			err = one.ptr[0] == '-' ? add_pem(out, one, fault)
						: add_der(out, one, fault);
	}
	return err;
}

/* Names that Intel gave them: a root that signs other things as well must not make any of
 * its holders this service by accident. */
static const char *wrong_chain(const struct pinned_chain *chain)
{
	EVP_PKEY *key = X509_get0_pubkey(chain->certificates[0]);

	if (chain->count != CHAIN_SIZE)
		return "it is not of two certificates";
	if (!certificate_is_named(chain->certificates[0],
				  "Intel SGX Attestation Report Signing"))
		return "the signer's certificate has another name";
	if (!certificate_is_named(chain->certificates[1],
				  "Intel SGX Attestation Report Signing CA"))
		return "the root's certificate has another name";
	if (!key || !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
		return "the signer's key is not of RSA";
	return NULL;
}

/* The leaf is the certificate that is no CA; there must be one. */
static X509 *find_leaf(const struct certificates *certificates)
{
	X509 *leaf = NULL;

	for (size_t i = 0; i < certificates->count; i++) {
		if (X509_check_ca(certificates->list[i]))
			continue;
		if (leaf && X509_cmp(leaf, certificates->list[i]))
			return NULL;
		leaf = certificates->list[i];
	}
	return leaf;
}

static enum tobi_err verify_chain(const struct tee_request *request,
				  const struct epid_parts *parts, EVP_PKEY **ret_key,
				  struct chain_window *ret_window,
				  struct tobi_fault *fault)
{
	CLEANUP(certificates_done) struct certificates certificates = {0};
	CLEANUP(pinned_chain_done) struct pinned_chain chain = {0};
	struct pinned_request pinned = {.others = certificates.list,
					.pins = &request->pins,
					.time = request->time,
					.strict = true};
	enum tobi_err err = read_certificates(parts, &certificates, fault);
	const char *wrong;

	if (err)
		return err;
	pinned.count = certificates.count;
	pinned.leaf = find_leaf(&certificates);
	if (!pinned.leaf)
		return fault_set(fault, TOBI_E_CERTIFICATE, "EPID report", "certificates",
				 "there is not one certificate of a signer");
	err = pinned_chain_verify(&pinned, "EPID report", &chain, fault);
	if (err)
		return err;
	wrong = wrong_chain(&chain);
	if (wrong)
		return fault_set(fault, TOBI_E_CERTIFICATE, "EPID report", "certificates",
				 "%s", wrong);
	*ret_key = X509_get_pubkey(chain.certificates[0]);
	*ret_window = chain.window;
	return TOBI_OK;
}

static bool name_chain(const struct tee_request *request, const struct epid_parts *parts,
		       struct memo_name *ret_name)
{
	struct tobi_bytes all[EPID_TEXTS_MAX + 1];

	for (size_t i = 0; i < parts->count; i++)
		all[i] = parts->certificates[i];
	all[parts->count] =
	    (struct tobi_bytes){(const uint8_t *)request->pins.keys,
				request->pins.count * sizeof(request->pins.keys[0])};
	return !memo_name_make("epid-chain", all, parts->count + 1, ret_name);
}

static void keep_key(const struct tee_request *request, const struct memo_name *name,
		     const struct chain_window *window, EVP_PKEY *key)
{
	struct signing_key *known = calloc(1, sizeof(*known));

	if (!known)
		return;
	*known = (struct signing_key){{1, signing_key_free}, key};
	EVP_PKEY_up_ref(key);
	memo_keep(request->memo, name, window, &known->head);
	memo_unref(&known->head);
}

/* The key that may sign reports, or NULL and the check has failed. */
static EVP_PKEY *examine_chain(const struct tee_request *request,
			       const struct epid_parts *parts, struct checklist *list)
{
	struct tobi_fault fault = {0};
	struct chain_window window;
	struct memo_value *known;
	struct memo_name name;
	EVP_PKEY *key = NULL;
	char text[512];

	if (!name_chain(request, parts, &name))
		return NULL;
	known = memo_find(request->memo, &name, request->time);
	if (known) {
		key = ((struct signing_key *)known)->key;
		EVP_PKEY_up_ref(key);
		memo_unref(known);
	} else if (verify_chain(request, parts, &key, &window, &fault)) {
		tobi_fault_print(&fault, text, sizeof(text));
		check_record(list, &check_chain, false,
			     "a valid chain to a root that the policy trusts", text);
		return NULL;
	} else {
		keep_key(request, &name, &window, key);
	}
	check_record(list, &check_chain, true, "", "");
	return key;
}

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

/* RSA with PKCS #1 v1.5 and SHA-256, which is what OpenSSL does unless it is told. */
static bool signature_holds(EVP_PKEY *key, const struct epid_parts *parts)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool holds = md &&
		     EVP_DigestVerifyInit_ex(md, NULL, "SHA256", key_library(), NULL, key,
					     NULL) == 1 &&
		     EVP_DigestVerify(md, parts->signature.ptr, parts->signature.size,
				      parts->body.ptr, parts->body.size) == 1;

	ERR_clear_error();
	return holds;
}

static void examine_report(const struct tee_request *request,
			   const struct epid_report *report, struct checklist *list)
{
	static const char *const good[] = {"OK", "GROUP_OUT_OF_DATE",
					   "CONFIGURATION_NEEDED", "SW_HARDENING_NEEDED",
					   "CONFIGURATION_AND_SW_HARDENING_NEEDED"};
	char text[32], now[32];
	bool genuine = false;

	snprintf(text, sizeof(text), "%" PRIu64, report->version);
	check_record(list, &check_version,
		     report->version >= FIRST_VERSION && report->version <= LAST_VERSION,
		     "2 to 5", text);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		genuine |= strcmp(report->status, good[i]) == 0;
	check_record(list, &check_status, genuine, "a signature that counts",
		     report->status);
	snprintf(now, sizeof(now), "at most %" PRId64, request->time + CLOCK_SKEW);
	snprintf(text, sizeof(text), "%" PRId64, report->timestamp);
	check_record(list, &check_time, report->timestamp <= request->time + CLOCK_SKEW,
		     now, text);
}

static const char *wrong_quote(const struct epid_quote *quote)
{
	if (quote->version != QUOTE_VERSION)
		return "another version than 2";
	if (quote->sign_type > 1)
		return "a type of signature that is neither unlinkable nor linkable";
	return quote->flags & EPID_FLAG_INITTED ? NULL
						: "of an enclave that does not run";
}

static void tell_report(const struct epid_report *report, struct arena *arena,
			struct tee_claims *claims)
{
	const struct epid_platform_info *platform = &report->platform;
	char stamp[32] = "";
	struct tm tm;
	time_t seconds = (time_t)report->timestamp;

	if (gmtime_r(&seconds, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	tee_fact(claims, arena, "service", "retired by Intel on 2025-04-02");
	tee_fact(claims, arena, "report", "%s, version %" PRIu64, report->id,
		 report->version);
	tee_fact(claims, arena, "reported", "%s", stamp);
	tee_fact(claims, arena, "status", "%s", report->status);
	if (report->has_revocation_reason)
		tee_fact(claims, arena, "revoked because of", "CRL reason %" PRId64,
			 report->revocation_reason);
	for (size_t i = 0; i < report->advisory_count; i++)
		tee_fact(claims, arena, "advisory", "%s", report->advisories[i]);
	if (report->nonce[0])
		tee_fact(claims, arena, "nonce for the service", "%s", report->nonce);
	if (report->pse_status[0])
		tee_fact(claims, arena, "platform services", "%s", report->pse_status);
	if (report->pseudonym[0])
		tee_fact(claims, arena, "pseudonym", "%s", report->pseudonym);
	if (platform->known) {
		tee_fact(claims, arena, "platform info",
			 "group flags 0x%02x, TCB flags 0x%04x, PSE flags 0x%04x, group "
			 "0x%x, latest ISVSVN %u",
			 platform->group_flags, platform->tcb_flags, platform->pse_flags,
			 (unsigned)platform->group, platform->latest_isv_svn);
		tee_fact_hex(claims, arena, "latest CPUSVN", platform->latest_cpu_svn);
	} else if (report->blob.size) {
		tee_fact_hex(claims, arena, "platform info", report->blob);
	}
}

static void tell_quote(const struct epid_quote *quote, struct arena *arena,
		       struct tee_claims *claims)
{
	tee_fact(claims, arena, "quote", "version %u, EPID group 0x%x, %s",
		 quote->version, (unsigned)quote->group,
		 quote->sign_type ? "linkable" : "unlinkable");
	tee_fact_hex(claims, arena, "MRENCLAVE", quote->measurement);
	tee_fact_hex(claims, arena, "MRSIGNER", quote->signer);
	tee_fact(claims, arena, "ISVPRODID", "%u", quote->product);
	tee_fact(claims, arena, "ISVSVN", "%u", quote->svn);
	tee_fact_hex(claims, arena, "CPUSVN", quote->cpu_svn);
	tee_fact(claims, arena, "QE and PCE SVN", "%u, %u", quote->qe_svn,
		 quote->pce_svn);
	tee_fact(claims, arena, "attributes", "0x%" PRIx64 "%s%s%s%s, XFRM 0x%" PRIx64,
		 quote->flags, quote->flags & EPID_FLAG_DEBUG ? " DEBUG" : "",
		 quote->flags & EPID_FLAG_PROVISION ? " PROVISIONKEY" : "",
		 quote->flags & EPID_FLAG_EINITTOKEN ? " EINITTOKENKEY" : "",
		 quote->flags & EPID_FLAG_KSS ? " KSS" : "", quote->xfrm);
	tee_fact(claims, arena, "MISCSELECT", "0x%x", (unsigned)quote->misc_select);
	if (quote->flags & EPID_FLAG_KSS) {
		tee_fact_hex(claims, arena, "CONFIGID", quote->config_id);
		tee_fact(claims, arena, "CONFIGSVN", "%u", quote->config_svn);
		tee_fact_hex(claims, arena, "ISVEXTPRODID", quote->product_id);
		tee_fact_hex(claims, arena, "ISVFAMILYID", quote->family_id);
	}
	tee_fact_hex(claims, arena, "basename", quote->basename);
	tee_fact_hex(claims, arena, "REPORTDATA", quote->report_data);
}

static void take_claims(const struct epid_report *report, const struct epid_quote *quote,
			struct arena *arena, struct tee_claims *out)
{
	struct epid_claims *own = arena_alloc(arena, sizeof(*own));

	out->nonce = quote->report_data;
	out->report_data = quote->report_data;
	out->image_id = quote->measurement;
	out->signers[0] = quote->signer;
	out->signer_count = 1;
	out->config_id = quote->config_id;
	out->has_product = true;
	out->product = quote->product;
	out->svn = quote->svn;
	out->debug = quote->flags & EPID_FLAG_DEBUG;
	tell_report(report, arena, out);
	tell_quote(quote, arena, out);
	if (!own)
		return; /* its checks fail then */
	*own = (struct epid_claims){report->status, report->advisories,
				    report->advisory_count, report->nonce};
	out->epid = own;
}

static const char *wrong_parts(const struct epid_parts *parts)
{
	if (parts->signatures == 0)
		return "no signature came with it";
	if (parts->signatures > 1)
		return "more than one signature came with it";
	return parts->count ? NULL : "no certificate came with it";
}

static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct epid_parts *parts = arena_alloc(list->arena, sizeof(*parts));
	struct epid_report report = {0};
	struct epid_quote quote = {0};
	const char *wrong;
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	if (!parts)
		return fault_set(fault, TOBI_E_MEMORY, "EPID report", "",
				 "out of memory");
	err = epid_parts_find(request, list->arena, parts, fault);
	if (!err)
		err = epid_report_parse(parts->body, list->arena, &report, fault);
	if (!err)
		err = epid_quote_parse(report.quote, &quote, fault);
	if (err)
		return err;
	*ret_claims = (struct tee_claims){
	    .tier = "sgx-epid", .root_kind = "hardware", .issued = report.timestamp};
	tee_warn(ret_claims,
		 "RETIRED: Intel ended the service that made this report on 2025-04-02; "
		 "it says what was known then of a platform, and nobody will say more");
	take_claims(&report, &quote, list->arena, ret_claims);
	wrong = wrong_parts(parts);
	if (!check_record(list, &check_format, !wrong, "", wrong))
		return TOBI_OK;
	examine_report(request, &report, list);
	wrong = wrong_quote(&quote);
	check_record(list, &check_quote, !wrong, "", wrong);
	tee_check_report_data(request, list, &check_report_data, quote.report_data);
	key = examine_chain(request, parts, list);
	if (key)
		check_record(list, &check_signature, signature_holds(key, parts),
			     "a signature of the service", "it does not verify");
	return TOBI_OK;
}

const struct tee_verifier tee_epid = {.tier = "sgx-epid",
				      .name = "sgx-epid",
				      .media_type = "application/vnd.tobichi.sgx-epid",
				      .checks = checks,
				      .recognise = epid_recognise,
				      .examine = examine,
				      .takes = epid_parts_takes};
