#include "pki/ocsp.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"

DEFINE_CLEANUP(OCSP_RESPONSE *, OCSP_RESPONSE_free)
DEFINE_CLEANUP(OCSP_CERTID *, OCSP_CERTID_free)

enum { LEVEL_112_BITS = 2 };

static void free_list(STACK_OF(X509) * *list)
{
	sk_X509_free(*list);
}

/* Of an extension that must be understood none is: what it says would be lost. */
static bool has_critical(OCSP_BASICRESP *answer)
{
	bool found = false;

	for (int i = 0; i < OCSP_BASICRESP_get_ext_count(answer); i++)
		found |=
		    X509_EXTENSION_get_critical(OCSP_BASICRESP_get_ext(answer, i)) != 0;
	for (int i = 0; i < OCSP_resp_count(answer); i++) {
		OCSP_SINGLERESP *one = OCSP_resp_get0(answer, i);

		for (int j = 0; j < OCSP_SINGLERESP_get_ext_count(one); j++)
			found |= X509_EXTENSION_get_critical(
				     OCSP_SINGLERESP_get_ext(one, j)) != 0;
	}
	return found;
}

enum tobi_err ocsp_read(struct tobi_bytes bytes, const char *object,
			OCSP_BASICRESP **ret_answer, struct tobi_fault *fault)
{
	CLEANUP(OCSP_RESPONSE_freep) OCSP_RESPONSE *response = NULL;
	CLEANUP(OCSP_BASICRESP_freep) OCSP_BASICRESP *basic = NULL;
	const unsigned char *at = bytes.ptr;
	int count;

	if (bytes.size > LIMIT_DOCUMENT)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_DOCUMENT);
	response = d2i_OCSP_RESPONSE(NULL, &at, (long)bytes.size);
	ERR_clear_error();
	if (!response)
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "it is no OCSP response");
	if ((size_t)(at - bytes.ptr) != bytes.size)
		return fault_set(fault, TOBI_E_TRAILING, object, "",
				 "there are bytes behind the OCSP response");
	if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return fault_set(
		    fault, TOBI_E_UNSUPPORTED, object, "status",
		    "the responder did not answer: %s",
		    OCSP_response_status_str(OCSP_response_status(response)));
	basic = OCSP_response_get1_basic(response);
	ERR_clear_error();
	count = basic ? OCSP_resp_count(basic) : 0;
	if (!basic || count < 1)
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "there is no basic answer in it");
	if (count > OCSP_SINGLES_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "it answers for over %d certificates", OCSP_SINGLES_MAX);
	*ret_answer = TAKE(basic);
	return TOBI_OK;
}

/* Whether it is about this certificate, by the hash that it has chosen itself. */
static bool is_about(OCSP_SINGLERESP *one, X509 *certificate, X509 *issuer)
{
	CLEANUP(OCSP_CERTID_freep) OCSP_CERTID *id = NULL;
	OCSP_CERTID *said = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(one);
	ASN1_OBJECT *hash = NULL;
	const EVP_MD *md;

	if (OCSP_id_get0_info(NULL, &hash, NULL, NULL, said) != 1)
		return false;
	md = EVP_get_digestbyobj(hash);
	id = md ? OCSP_cert_to_id(md, certificate, issuer) : NULL;
	return id && OCSP_id_cmp(id, said) == 0;
}

static bool take_single(OCSP_SINGLERESP *one, struct ocsp_answer *answer)
{
	ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
	int reason = -1;
	int status =
	    OCSP_single_get0_status(one, &reason, NULL, &this_update, &next_update);
	struct chain_window window;

	if (!chain_seconds(this_update, &window.not_before))
		return false;
	/* Without a next one it would hold for ever: what is revoked may. */
	if (!next_update && status == V_OCSP_CERTSTATUS_REVOKED)
		window.not_after = window.not_before;
	else if (!next_update || !chain_seconds(next_update, &window.not_after))
		return false;
	*answer = (struct ocsp_answer){.window = window};
	if (status == V_OCSP_CERTSTATUS_GOOD)
		answer->status = OCSP_GOOD;
	else if (status == V_OCSP_CERTSTATUS_REVOKED)
		answer->status = reason == OCSP_REVOKED_STATUS_CERTIFICATEHOLD
				     ? OCSP_HOLD
				     : OCSP_REVOKED;
	else
		answer->status = OCSP_UNKNOWN;
	return true;
}

/* The issuer itself, or a responder that it has certified for that. At the time of the
 * answer: how long it counts is its own to say, and responders' certificates are short.
 */
static bool is_genuine(OCSP_BASICRESP *answer, X509 *issuer, int64_t time)
{
	CLEANUP(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
	CLEANUP(free_list) STACK_OF(X509) *help = sk_X509_new_null();
	X509_VERIFY_PARAM *param;
	bool good;

	if (!store || !help || !sk_X509_push(help, issuer) ||
	    X509_STORE_add_cert(store, issuer) != 1)
		return false;
	param = X509_STORE_get0_param(store);
	X509_VERIFY_PARAM_set_time(param, (time_t)time);
	X509_VERIFY_PARAM_set_auth_level(param, LEVEL_112_BITS);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	good = OCSP_basic_verify(answer, help, store, 0) == 1 && !has_critical(answer);
	ERR_clear_error();
	return good;
}

bool ocsp_answers(OCSP_BASICRESP *answer, X509 *certificate, X509 *issuer,
		  struct ocsp_answer *ret_answer)
{
	struct ocsp_answer worst = {0};
	bool found = false;

	for (int i = 0; i < OCSP_resp_count(answer); i++) {
		OCSP_SINGLERESP *one = OCSP_resp_get0(answer, i);
		struct ocsp_answer said;

		if (!is_about(one, certificate, issuer) || !take_single(one, &said))
			continue;
		if (!found || said.status > worst.status)
			worst = said;
		found = true;
	}
	ERR_clear_error();
	if (!found)
		return false;
	worst.genuine = is_genuine(answer, issuer, worst.window.not_before);
	*ret_answer = worst;
	return true;
}

void ocsp_name(const ASN1_INTEGER *serial, char ret_name[static OCSP_NAME_SIZE + 1])
{
	uint8_t bytes[OCSP_NAME_SIZE / 2] = {0};
	size_t size = (size_t)ASN1_STRING_length(serial);
	size_t part = size < sizeof(bytes) ? size : sizeof(bytes);

	bytes_copy(bytes + sizeof(bytes) - part, part,
		   ASN1_STRING_get0_data(serial) + size - part, part);
	hex_write((struct tobi_bytes){bytes, sizeof(bytes)}, ret_name,
		  OCSP_NAME_SIZE + 1);
}
