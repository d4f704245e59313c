#include "tee/dcap_pck.h"

#include "base/fault.h"
#include "base/secret.h"
#include "codec/der.h"
#include "pki/extension.h"

/* 1.2.840.113741.1.13.1: of the extension, and the start of each name in it. */
static const uint8_t sgx_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

static const struct extension_name sgx_extension = {"1.2.840.113741.1.13.1",
						    {sgx_oid, sizeof(sgx_oid)}};

enum { TCB = 2, CONFIGURATION = 7, PCESVN = 17, CPUSVN = 18 };

/* Members that are there, by the last number of their name: bit n for n. */
enum {
	ALWAYS = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5,
	ALL_TCB = (1 << (CPUSVN + 1)) - 2,
	ALL_CONFIGURATION = 1 << 1 | 1 << 2 | 1 << 3,
};

/* The next SEQUENCE { OID, value }: ret is at the value, and the result is the last
 * number of the OID, which must be sgx_oid, then parent (unless 0), then it, once. */
static unsigned enter_member(struct reader *rd, unsigned parent, uint32_t *seen,
			     struct reader *ret_value)
{
	struct reader member = der_enter(rd, DER_SEQUENCE, "SGX extension");
	struct reader name = der_enter(&member, DER_OID, "SGX extension");
	struct tobi_bytes start = rd_bytes(&name, sizeof(sgx_oid), "SGX extension");
	unsigned number;

	if (!bytes_equal(start, sgx_extension.body) ||
	    (parent && rd_u8(&name, "SGX extension") != parent))
		rd_fail(&name, TOBI_E_MALFORMED, "SGX extension");
	number = rd_u8(&name, "SGX extension");
	if (rd_failed(&name) || rd_left(&name) || number == 0 || number > CPUSVN ||
	    *seen >> number & 1) {
		rd_fail(rd, TOBI_E_MALFORMED, "SGX extension");
		return 0;
	}
	*seen |= UINT32_C(1) << number;
	*ret_value = member;
	return number;
}

/* The value was all of it. */
static void leave_member(struct reader *rd, const struct reader *value)
{
	if (rd_failed(value) || rd_left(value))
		rd_fail(rd, TOBI_E_MALFORMED, "SGX extension");
}

static void read_tcb(struct reader *value, struct dcap_pck *pck)
{
	struct reader rd = der_enter(value, DER_SEQUENCE, "TCB");
	uint32_t seen = 0;

	while (rd_left(&rd)) {
		struct reader member;
		unsigned number = enter_member(&rd, TCB, &seen, &member);

		if (number == 0)
			break;
		if (number <= DCAP_COMPONENTS)
			pck->components[number - 1] = (uint8_t)der_number(
			    &member, DER_INTEGER, UINT8_MAX, "component SVN");
		else if (number == PCESVN)
			pck->pcesvn = (uint16_t)der_number(&member, DER_INTEGER,
							   UINT16_MAX, "PCESVN");
		else
			der_octets(&member, pck->cpusvn, sizeof(pck->cpusvn), "CPUSVN");
		leave_member(&rd, &member);
	}
	if (rd_failed(&rd) || seen != ALL_TCB)
		rd_fail(value, TOBI_E_MALFORMED, "TCB");
}

static void read_configuration(struct reader *value, struct dcap_pck *pck)
{
	bool *const flags[] = {&pck->dynamic_platform, &pck->cached_keys, &pck->smt};
	struct reader rd = der_enter(value, DER_SEQUENCE, "configuration");
	uint32_t seen = 0;

	while (rd_left(&rd)) {
		struct reader member;
		unsigned number = enter_member(&rd, CONFIGURATION, &seen, &member);

		if (number == 0 || number > 3)
			break;
		*flags[number - 1] = der_boolean(&member, "configuration");
		leave_member(&rd, &member);
	}
	if (rd_failed(&rd) || seen != ALL_CONFIGURATION)
		rd_fail(value, TOBI_E_MALFORMED, "configuration");
	pck->has_configuration = true;
}

static void read_member(unsigned number, struct reader *value, struct dcap_pck *pck)
{
	switch (number) {
	case 1:
		der_octets(value, pck->ppid, sizeof(pck->ppid), "PPID");
		return;
	case 2:
		read_tcb(value, pck);
		return;
	case 3:
		der_octets(value, pck->pce_id, sizeof(pck->pce_id), "PCE-ID");
		return;
	case 4:
		der_octets(value, pck->fmspc, sizeof(pck->fmspc), "FMSPC");
		return;
	case 5:
		pck->platform = (enum dcap_platform)der_number(
		    value, DER_ENUMERATED, DCAP_SCALABLE_INTEGRITY, "SGX type");
		return;
	case 6:
		der_octets(value, pck->instance, sizeof(pck->instance),
			   "platform instance");
		pck->has_instance = true;
		return;
	case 7:
		read_configuration(value, pck);
		return;
	default:
		rd_fail(value, TOBI_E_MALFORMED, "SGX extension");
	}
}

enum tobi_err dcap_pck_read_value(struct tobi_bytes der, const char *object,
				  struct dcap_pck *ret_pck, struct tobi_fault *fault)
{
	struct reader rd = rd_init(der);
	struct reader all = der_enter(&rd, DER_SEQUENCE, "SGX extension");
	struct dcap_pck pck = {0};
	uint32_t seen = 0;
	enum tobi_err err;

	while (rd_left(&all)) {
		struct reader member;
		unsigned number = enter_member(&all, 0, &seen, &member);

		if (number == 0)
			break;
		read_member(number, &member, &pck);
		leave_member(&all, &member);
	}
	err = rd_finish(&rd, object, fault);
	if (!err)
		err = rd_status(&all, object, fault);
	if (err)
		return fault_set(fault, TOBI_E_MALFORMED, object, "SGX extension",
				 "it cannot be read");
	if ((seen & ALWAYS) != ALWAYS)
		return fault_set(fault, TOBI_E_MALFORMED, object, "SGX extension",
				 "a member is missing");
	*ret_pck = pck;
	return TOBI_OK;
}

enum tobi_err dcap_pck_read(const X509 *certificate, const char *object,
			    struct dcap_pck *ret_pck, struct tobi_fault *fault)
{
	struct extension extension = {0};
	size_t count = extension_find(certificate, &sgx_extension, &extension);

	if (count != 1)
		return fault_set(fault, TOBI_E_MALFORMED, object, "SGX extension",
				 count ? "it is there twice" : "it is not there");
	return dcap_pck_read_value(extension.value, object, ret_pck, fault);
}
