/* A whole appraisal of a report of Intel's retired Attestation Service, under the root of
 * a service of the tests' own. */
#include "fuzz/raw.h"
#include "tests/epid_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	return fuzz_raw(input, EPID_TEST_NOW, (struct tobi_bytes){0});
}

/* The report in one file, or with its headers as a piece. */
enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct writer reply = wr_init(1 << 16), body = wr_init(1 << 16);
	struct test_service service;
	struct test_epid epid;

	if (number > 3)
		return FUZZ_NO_SEED;
	test_service_make(&service, NULL, NULL);
	test_epid_make(&epid, &service);
	if (number == 1) {
		epid.status = "GROUP_OUT_OF_DATE";
		epid.advisories = "[\"INTEL-SA-00334\"]";
		epid.section = "sgx-epid:\n  status: [GROUP_OUT_OF_DATE]\n  advisories: "
			       "[INTEL-SA-00334]\n";
	}
	epid.damage_signature = number == 3;
	test_epid_policy(&epid, out);
	wr_u8(out, 0);
	test_epid_reply(&epid, &reply);
	test_epid_body(&epid, &body);
	if (number == 2)
		wr_bytes(out, reply.ptr, reply.size - body.size);
	wr_u8(out, 0);
	if (number == 2)
		wr_bytes(out, body.ptr, body.size);
	else
		wr_bytes(out, reply.ptr, reply.size);
	wr_done(&reply);
	wr_done(&body);
	test_service_done(&service);
	return number < 3 ? FUZZ_GOOD : FUZZ_BAD;
}
