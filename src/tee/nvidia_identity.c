#include "tee/nvidia_identity.h"

#include <ctype.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/hex.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/der.h"
#include "pki/extension.h"
#include "tee/nvidia_chain.h"

/* TCG DICE Attestation Architecture, 2.23.133.5.4.1 (as TCG DICE 1.0 has it) and
 * 2.23.133.5.4.1.1, tcg-dice-TcbInfo. */
static const uint8_t composite[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x01};
static const uint8_t tcb_info[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x01, 0x01};
static const uint8_t sha384[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02};

enum { FWIDS = 6, FIRST_CERTIFICATE_MAX = 4096 };

/* FWID ::= SEQUENCE { hashAlg OBJECT IDENTIFIER, digest OCTET STRING } */
static void read_fwid(struct reader *rd, uint8_t *ret_fwid)
{
	struct reader fwid = der_enter(rd, DER_SEQUENCE, "FWID");
	struct tobi_bytes algorithm = der_bytes(&fwid, DER_OID, "hashAlg");

	if (!rd_failed(&fwid) &&
	    !bytes_equal(algorithm, (struct tobi_bytes){sha384, sizeof(sha384)}))
		rd_fail(&fwid, TOBI_E_UNSUPPORTED, "hashAlg");
	der_octets(&fwid, ret_fwid, NVIDIA_FWID_SIZE, "digest");
	if (rd_failed(&fwid) || rd_left(&fwid))
		rd_fail(rd, TOBI_E_MALFORMED, "FWID");
}

/* CompositeDeviceID ::= SEQUENCE { version INTEGER, deviceID SubjectPublicKeyInfo,
 * fwid FWID } */
static bool read_composite(struct tobi_bytes value, uint8_t *ret_fwid)
{
	struct reader rd = rd_init(value);
	struct reader id = der_enter(&rd, DER_SEQUENCE, "CompositeDeviceID");

	der_number(&id, DER_INTEGER, UINT8_MAX, "version");
	der_bytes(&id, DER_SEQUENCE, "deviceID");
	read_fwid(&id, ret_fwid);
	return !rd_failed(&id) && !rd_left(&id) && !rd_failed(&rd) && !rd_left(&rd);
}

/* DiceTcbInfo ::= SEQUENCE { .., fwids [6] IMPLICIT SEQUENCE OF FWID OPTIONAL, .. }: the
 * first of them is that of the firmware that signs. */
static bool read_tcb_info(struct tobi_bytes value, uint8_t *ret_fwid)
{
	struct reader rd = rd_init(value);
	struct reader info = der_enter(&rd, DER_SEQUENCE, "DiceTcbInfo");
	bool found = false;

	if (rd_failed(&info) || rd_failed(&rd) || rd_left(&rd))
		return false;
	while (rd_left(&info) && !rd_failed(&info)) {
		const uint8_t *start = info.start + info.pos, *at = start;
		int tag = 0, class = 0;
		long size = 0;
		int form =
		    ASN1_get_object(&at, &size, &tag, &class, (long)rd_left(&info));

		ERR_clear_error();
		if (form & 0x80 || form & 1)
			return false;
		rd_bytes(&info, (size_t)(at - start), "head");
		if (class == V_ASN1_CONTEXT_SPECIFIC && tag == FWIDS && !found) {
			struct reader fwids = rd_sub(&info, (size_t)size, "fwids");

			read_fwid(&fwids, ret_fwid);
			found = !rd_failed(&fwids);
			continue;
		}
		rd_bytes(&info, (size_t)size, "element");
	}
	return found && !rd_failed(&info);
}

bool nvidia_fwid(const X509 *leaf, uint8_t ret_fwid[static NVIDIA_FWID_SIZE])
{
	static const struct extension_name old = {"CompositeDeviceID",
						  {composite, sizeof(composite)}};
	static const struct extension_name new = {"DiceTcbInfo",
						  {tcb_info, sizeof(tcb_info)}};
	struct extension extension;
	size_t olds = extension_find(leaf, &old, &extension);
	size_t news;

	if (olds == 1 && read_composite(extension.value, ret_fwid))
		return extension_find(leaf, &new, &extension) == 0;
	news = extension_find(leaf, &new, &extension);
	return olds == 0 && news == 1 && read_tcb_info(extension.value, ret_fwid);
}

/* "NVIDIA:GH100:48B02D92494BADF4". */
static bool read_chip(struct tobi_bytes text, char ret_chip[static NVIDIA_TEXT_MAX],
		      uint8_t ret_ueid[static NVIDIA_UEID_SIZE])
{
	static const char maker[] = "NVIDIA:";
	char number[2 * NVIDIA_UEID_SIZE + 1];
	size_t start = strlen(maker), end = start;

	if (text.size < start || memcmp(text.ptr, maker, start) != 0)
		return false;
	while (end < text.size && (isalnum(text.ptr[end]) || text.ptr[end] == '_'))
		end++;
	if (end == start || end - start >= NVIDIA_TEXT_MAX ||
	    text.size != end + sizeof(number) || text.ptr[end] != ':')
		return false;
	bytes_copy(number, sizeof(number) - 1, text.ptr + end + 1, sizeof(number) - 1);
	number[sizeof(number) - 1] = 0;
	if (!hex_read(number, ret_ueid, NVIDIA_UEID_SIZE))
		return false;
	bytes_copy(ret_chip, NVIDIA_TEXT_MAX - 1, text.ptr + start, end - start);
	ret_chip[end - start] = 0;
	return true;
}

bool nvidia_chip(X509 *leaf, char ret_chip[static NVIDIA_TEXT_MAX],
		 uint8_t ret_ueid[static NVIDIA_UEID_SIZE])
{
	/* id-DMTF-device-info, DSP0274 1.1, section 10.6. */
	static const uint8_t device_info[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
					      0x83, 0x1c, 0x82, 0x12, 0x01};
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	size_t found = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		ASN1_OBJECT *type = NULL;
		ASN1_TYPE *value = NULL;

		if (GENERAL_NAME_get0_otherName(sk_GENERAL_NAME_value(names, i), &type,
						&value) != 1 ||
		    !bytes_equal(
			(struct tobi_bytes){OBJ_get0_data(type), OBJ_length(type)},
			(struct tobi_bytes){device_info, sizeof(device_info)}) ||
		    value->type != V_ASN1_UTF8STRING)
			continue;
		found += read_chip(
		    (struct tobi_bytes){
			ASN1_STRING_get0_data(value->value.utf8string),
			(size_t)ASN1_STRING_length(value->value.utf8string)},
		    ret_chip, ret_ueid);
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return found == 1;
}

/* Base64 of the first block, decoded as far as that needs no memory of its own. */
static size_t first_block(struct tobi_bytes pem, uint8_t *out, size_t room)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	CLEANUP(wr_done) struct writer der = wr_init(room);
	uint8_t digits[FIRST_CERTIFICATE_MAX];
	const uint8_t *at =
	    pem.ptr ? memmem(pem.ptr, pem.size, begin, strlen(begin)) : NULL;
	const uint8_t *end = at ? pem.ptr + pem.size : NULL;
	size_t count = 0;

	if (!at)
		return 0;
	for (at += strlen(begin); at < end && *at != '-'; at++) {
		if (count == sizeof(digits))
			return 0;
		if (!isspace(*at))
			digits[count++] = *at;
	}
	if (base64_read((struct tobi_bytes){digits, count}, "PEM", &der, NULL))
		return 0;
	bytes_copy(out, room, der.ptr, der.size);
	return der.size;
}

bool nvidia_chain_is(struct tobi_bytes bytes)
{
	uint8_t der[FIRST_CERTIFICATE_MAX];
	/* Both start alike: the OID's tag and size are left out. */
	size_t size = first_block(bytes, der, sizeof(der));

	return size && memmem(der, size, composite, sizeof(composite));
}
