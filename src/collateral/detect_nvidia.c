/* What NVIDIA publishes: reference values in XML (RIM); and answers of OCSP responders,
 * which are anybody's. */
#include <ctype.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "collateral/detect.h"
#include "collateral/set.h"
#include "pki/ocsp.h"

static const char object[] = "collateral";

enum { NAME_ROOM = 17 };

static bool has(struct tobi_bytes bytes, const char *text)
{
	return bytes.ptr && memmem(bytes.ptr, bytes.size, text, strlen(text)) != NULL;
}

bool detect_is_rim(struct tobi_bytes bytes)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
	size_t at = bytes.size > 3 && memcmp(bytes.ptr, mark, sizeof(mark)) == 0 ? 3 : 0;

	while (at < bytes.size && isspace(bytes.ptr[at]))
		at++;
	return at < bytes.size && bytes.ptr[at] == '<' &&
	       (has(bytes, "SoftwareIdentity") ||
		has(bytes, "ReferenceIntegrityManifest"));
}

/* OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, .. }: no certificate and no CRL
 * starts so. */
bool detect_is_ocsp(struct tobi_bytes bytes)
{
	size_t at = 2;

	if (bytes.size < 5 || bytes.ptr[0] != 0x30)
		return false;
	if (bytes.ptr[1] > 0x80)
		at += bytes.ptr[1] & 0x7f;
	return at + 3 <= bytes.size && bytes.ptr[at] == 0x0a && bytes.ptr[at + 1] == 1;
}

/* The version, as the file has it: only to find it by. What is true of it is read once
 * its signature was verified. */
static void find_version(struct tobi_bytes bytes, char ret_name[static NAME_ROOM])
{
	static const char key[] = "colloquialVersion=\"";
	const uint8_t *at =
	    bytes.ptr ? memmem(bytes.ptr, bytes.size, key, strlen(key)) : NULL;
	const uint8_t *end = bytes.ptr + bytes.size;
	size_t size = 0;

	ret_name[0] = 0;
	for (at = at ? at + strlen(key) : end; at < end && *at != '"'; at++) {
		if (size + 1 == NAME_ROOM || (!isalnum(*at) && !strchr("._-", *at))) {
			ret_name[0] = 0;
			return;
		}
		ret_name[size++] = (char)*at;
		ret_name[size] = 0;
	}
}

enum tobi_err detect_rim(struct tobi_collateral *set, struct tobi_bytes bytes,
			 const struct collateral_origin *origin, struct tobi_fault *fault)
{
	char name[NAME_ROOM];
	const struct collateral_item item = {.kind = COLLATERAL_NVIDIA_RIM,
					     .name = name,
					     .data = bytes,
					     .source = origin->source,
					     .fetched = origin->fetched};

	find_version(bytes, name);
	return set_put(set, &item, NULL, fault);
}

/* Under the number of each certificate that it is about. */
enum tobi_err detect_ocsp(struct tobi_collateral *set, struct tobi_bytes bytes,
			  const struct collateral_origin *origin,
			  struct tobi_fault *fault)
{
	CLEANUP(OCSP_BASICRESP_freep) OCSP_BASICRESP *answer = NULL;
	enum tobi_err err = ocsp_read(bytes, object, &answer, fault);

	for (int i = 0; !err && i < OCSP_resp_count(answer); i++) {
		char name[OCSP_NAME_SIZE + 1];
		const struct collateral_item item = {.kind = COLLATERAL_OCSP,
						     .name = name,
						     .data = bytes,
						     .source = origin->source,
						     .fetched = origin->fetched};
		ASN1_INTEGER *serial = NULL;

		if (OCSP_id_get0_info(NULL, NULL, NULL, &serial,
				      (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(
					  OCSP_resp_get0(answer, i))) != 1)
			return fault_openssl(fault, object, "OCSP", "cannot be read");
		ocsp_name(serial, name);
		err = set_put(set, &item, NULL, fault);
	}
	return err;
}
