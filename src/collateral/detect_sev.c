/* The certificates of AMD SEV in AMD's own formats (AMD 55766, chapter 6 and appendix C),
 * as far as one must read them to know that they are such. */
#include "base/reader.h"
#include "collateral/detect.h"

enum {
	SEV_VERSION = 1,
	SEV_CERT_SIZE = 2084,
	SEV_CERTS_MAX = 16,
	USAGE_ARK = 0,
	USAGE_ASK = 0x13,
	USAGE_OCA = 0x1001,
	USAGE_CEK = 0x1004,
};

/* PEK, OCA, CEK, PDH. */
static bool is_sev_cert(struct reader *rd)
{
	struct reader cert = rd_sub(rd, SEV_CERT_SIZE, "certificate");
	uint32_t version = rd_u32le(&cert, "version"), usage;

	rd_bytes(&cert, 4, "api version");
	usage = rd_u32le(&cert, "usage");
	return !rd_failed(&cert) && version == SEV_VERSION && usage >= USAGE_OCA &&
	       usage <= USAGE_CEK;
}

/* ARK, ASK: as long as their sizes in bits say. */
static bool is_amd_cert(struct reader *rd)
{
	uint32_t version = rd_u32le(rd, "version"), usage, exponent, modulus;

	rd_bytes(rd, 32, "key ids");
	usage = rd_u32le(rd, "usage");
	rd_bytes(rd, 16, "reserved");
	exponent = rd_u32le(rd, "exponent size");
	modulus = rd_u32le(rd, "modulus size");
	if (rd_failed(rd) || version != SEV_VERSION ||
	    (usage != USAGE_ARK && usage != USAGE_ASK) ||
	    (modulus != 2048 && modulus != 4096) || exponent != modulus)
		return false;
	rd_bytes(rd, 3 * (size_t)modulus / 8, "exponent, modulus, signature");
	return !rd_failed(rd);
}

bool detect_is_sev(struct tobi_bytes bytes)
{
	struct reader rd = rd_init(bytes);
	size_t count = 0;

	while (rd_left(&rd) > 0) {
		struct reader amd = rd;

		if (count++ == SEV_CERTS_MAX)
			return false;
		if (is_amd_cert(&amd))
			rd = amd;
		else if (!is_sev_cert(&rd) || rd_failed(&rd))
			return false;
	}
	return count > 0;
}
