#include "tee/tpm_structs.h"

#include "base/fault.h"
#include "base/reader.h"

enum { PCR_BITMAP_MAX = 4 };

/* TPM2B_*: size, then as many bytes. */
static struct tobi_bytes sized(struct reader *rd, size_t max, const char *field)
{
	size_t size = rd_u16be(rd, field);

	if (size > max)
		rd_fail(rd, TOBI_E_LIMIT, field);
	return rd_bytes(rd, rd_failed(rd) ? 0 : size, field);
}

/* TPMS_CLOCK_INFO, section 10.11.1. */
static void read_clock(struct reader *rd, struct tpm_attest *attest)
{
	uint8_t safe;

	attest->clock = rd_u64be(rd, "clock");
	attest->resets = rd_u32be(rd, "reset count");
	attest->restarts = rd_u32be(rd, "restart count");
	safe = rd_u8(rd, "safe");
	if (safe > 1)
		rd_fail(rd, TOBI_E_MALFORMED, "safe");
	attest->safe = safe == 1;
}

/* TPMS_PCR_SELECTION, section 10.6.2. */
static void read_selection(struct reader *rd, struct tpm_selection *selection)
{
	uint8_t size;

	selection->hash = rd_u16be(rd, "bank");
	size = rd_u8(rd, "PCR bitmap");
	if (size > PCR_BITMAP_MAX)
		rd_fail(rd, TOBI_E_LIMIT, "PCR bitmap");
	selection->pcrs = 0;
	for (unsigned i = 0; i < size && !rd_failed(rd); i++)
		selection->pcrs |= (uint32_t)rd_u8(rd, "PCR bitmap") << 8 * i;
}

/* TPMS_QUOTE_INFO, section 10.12.1. */
static void read_quote(struct reader *rd, struct tpm_attest *attest)
{
	size_t count = rd_count(rd, rd_u32be(rd, "selections"), 3, "selections");

	if (count > TPM_SELECTIONS_MAX)
		rd_fail(rd, TOBI_E_LIMIT, "selections");
	if (rd_failed(rd))
		return;
	attest->selection_count = count;
	for (size_t i = 0; i < count; i++)
		read_selection(rd, &attest->selections[i]);
	attest->pcr_digest = sized(rd, TPM_HASH_MAX, "PCR digest");
}

/* TPMS_ATTEST, section 10.12.12. */
enum tobi_err tpm_attest_parse(struct tobi_bytes bytes, struct tpm_attest *ret_attest,
			       struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct tpm_attest attest = {0};
	enum tobi_err err;

	attest.magic = rd_u32be(&rd, "magic");
	attest.type = rd_u16be(&rd, "type");
	attest.signer = sized(&rd, TPM_STRUCT_NAME_MAX, "signer");
	attest.extra = sized(&rd, TPM_STRUCT_NAME_MAX, "extra data");
	read_clock(&rd, &attest);
	attest.firmware = rd_u64be(&rd, "firmware version");
	if (attest.type == TPM_ATTEST_QUOTE) {
		read_quote(&rd, &attest);
	} else if (attest.type == TPM_ATTEST_CERTIFY) { /* section 10.12.3 */
		attest.name = sized(&rd, TPM_STRUCT_NAME_MAX, "name");
		attest.qualified_name = sized(&rd, TPM_STRUCT_NAME_MAX, "qualified name");
	} else {
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "type");
	}
	err = rd_finish(&rd, "TPM statement", fault);
	if (!err)
		*ret_attest = attest;
	return err;
}

/* TPMT_SIGNATURE, section 11.3.4. */
enum tobi_err tpm_signature_parse(struct tobi_bytes bytes,
				  struct tpm_signature *ret_signature,
				  struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct tpm_signature signature = {0};
	enum tobi_err err;

	signature.alg = rd_u16be(&rd, "algorithm");
	signature.hash = rd_u16be(&rd, "hash");
	switch (signature.alg) {
	case TPM_ALG_ECDSA:
		signature.r = sized(&rd, TPM_HASH_MAX, "r");
		signature.s = sized(&rd, TPM_HASH_MAX, "s");
		break;
	case TPM_ALG_RSASSA:
	case TPM_ALG_RSAPSS:
		signature.rsa = sized(&rd, TPM_RSA_MAX, "signature");
		break;
	default:
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "algorithm");
	}
	err = rd_finish(&rd, "TPM signature", fault);
	if (!err)
		*ret_signature = signature;
	return err;
}

/* TPMT_SYM_DEF_OBJECT, section 11.1.7: AES or none. */
static void skip_cipher(struct reader *rd)
{
	unsigned alg = rd_u16be(rd, "cipher");

	if (alg == TPM_ALG_AES)
		rd_bytes(rd, 4, "cipher"); /* bits, mode */
	else if (alg != TPM_ALG_NULL)
		rd_fail(rd, TOBI_E_UNSUPPORTED, "cipher");
}

/* TPMT_ECC_SCHEME and TPMT_RSA_SCHEME, sections 11.2.5.6 and 11.2.4.2: signing schemes
 * with a hash, or none. */
static void read_scheme(struct reader *rd, struct tpm_public *key)
{
	key->scheme = rd_u16be(rd, "scheme");
	key->scheme_hash = TPM_ALG_NULL;
	if (key->scheme == TPM_ALG_ECDSA || key->scheme == TPM_ALG_RSASSA ||
	    key->scheme == TPM_ALG_RSAPSS)
		key->scheme_hash = rd_u16be(rd, "scheme");
	else if (key->scheme != TPM_ALG_NULL)
		rd_fail(rd, TOBI_E_UNSUPPORTED, "scheme");
}

/* TPMT_PUBLIC, section 12.2.4. */
enum tobi_err tpm_public_parse(struct tobi_bytes bytes, struct tpm_public *ret_public,
			       struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct tpm_public public = {0};
	enum tobi_err err;

	public.type = rd_u16be(&rd, "type");
	public.name_alg = rd_u16be(&rd, "name algorithm");
	public.attributes = rd_u32be(&rd, "attributes");
	public.policy = sized(&rd, TPM_HASH_MAX, "policy");
	if (public.type != TPM_ALG_RSA && public.type != TPM_ALG_ECC)
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "type");
	skip_cipher(&rd);
	read_scheme(&rd, &public);
	if (public.type == TPM_ALG_ECC) {
		public.curve = rd_u16be(&rd, "curve");
		if (rd_u16be(&rd, "key derivation") != TPM_ALG_NULL)
			rd_fail(&rd, TOBI_E_UNSUPPORTED, "key derivation");
		public.x = sized(&rd, TPM_HASH_MAX, "x");
		public.y = sized(&rd, TPM_HASH_MAX, "y");
	} else {
		public.bits = rd_u16be(&rd, "bits");
		public.exponent = rd_u32be(&rd, "exponent");
		public.modulus = sized(&rd, TPM_RSA_MAX, "modulus");
	}
	err = rd_finish(&rd, "TPM key", fault);
	if (!err)
		*ret_public = public;
	return err;
}
