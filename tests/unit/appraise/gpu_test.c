/* Devices beside a CPU: bound to its evidence, and owed where the policy asks for them.
 */
#include <stdlib.h>

#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/nitro_scene.h"
#include "tests/nvidia_scene.h"
#include "tee/nvidia.h"
#include "codec/cbor.h"
#include "token/cmw.h"

/* An enclave of Nitro stands for the CPU. */
struct machine {
	struct test_nitro nitro;
	struct nvidia_scene devices;
	struct writer cpu, collection, reports[2];
	const char *gpu;     /* of the policy; NULL: no such section */
	size_t device_count; /* whose evidence comes */
	bool other_nonce;    /* they were asked with something else */
	bool in_collection;
	const char *key; /* of the second device's record */
	const char *media_type;
	struct tobi_bytes stray; /* a piece more */
};

static struct machine *machine_new(void)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	assert_non_null(machine);
	test_nitro_make(&machine->nitro, NITRO_ENCLAVE);
	nvidia_scene_init(&machine->devices);
	machine->gpu = "{min-count: 2, ocsp: required}";
	machine->device_count = 2;
	machine->key = "gpu.1";
	machine->media_type = NVIDIA_MEDIA_TYPE;
	machine->cpu = wr_init(LIMIT_EVIDENCE);
	machine->collection = wr_init(LIMIT_EVIDENCE);
	return machine;
}

static void machine_free(struct machine *machine)
{
	test_nitro_done(&machine->nitro);
	nvidia_scene_done(&machine->devices);
	wr_done(&machine->cpu);
	wr_done(&machine->collection);
	for (size_t i = 0; i < 2; i++)
		wr_done(&machine->reports[i]);
	free(machine);
}

/* Asked with the hash of the CPU's evidence, as it is. */
static void make(struct machine *machine)
{
	uint8_t hash[SHA256_SIZE];

	test_nitro_document(&machine->nitro, &machine->cpu);
	assert_int_equal(hash_sha256(wr_view(&machine->cpu), hash), 0);
	hash[0] ^= machine->other_nonce;
	for (size_t i = 0; i < 2; i++)
		memcpy(machine->devices.nonces[i], hash, sizeof(hash));
	machine->devices.device_count = 2;
	nvidia_scene_make(&machine->devices);
	for (size_t i = 0; i < machine->device_count; i++) {
		machine->reports[i] = wr_init(LIMIT_EVIDENCE);
		nvidia_scene_report(&machine->devices, i, &machine->reports[i]);
	}
}

static struct cmw_record record(const char *key, const char *type, unsigned indicator,
				struct tobi_bytes value)
{
	return (struct cmw_record){.key = bytes_of_text(key),
				   .media_type = bytes_of_text(type),
				   .value = value,
				   .indicator = indicator};
}

/* Chains, reference values and answers as one list. */
static void write_collection(struct machine *machine)
{
	struct tobi_bytes pieces[NV_PIECES];
	size_t count = nvidia_scene_pieces(&machine->devices, pieces);
	struct writer list = wr_init(LIMIT_EVIDENCE);
	struct cmw_record records[4];

	cbor_write_array(&list, count);
	for (size_t i = 0; i < count; i++)
		cbor_write_bytes(&list, pieces[i]);
	records[0] = record("cpu", "application/vnd.tobichi.nitro-doc", CMW_EVIDENCE,
			    wr_view(&machine->cpu));
	records[1] =
	    record("gpu", NVIDIA_MEDIA_TYPE, CMW_EVIDENCE, wr_view(&machine->reports[0]));
	records[2] = record(machine->key, machine->media_type, CMW_EVIDENCE,
			    wr_view(&machine->reports[1]));
	records[3] = record("gpu-documents", NVIDIA_MEDIA_TYPE_DOCUMENTS, CMW_ENDORSEMENT,
			    wr_view(&list));
	cmw_write(&machine->collection, records, 4);
	assert_int_equal(wr_err(&machine->collection), 0);
	wr_done(&list);
}

static enum tobi_err run(struct machine *machine, struct tobi_result **ret_result)
{
	struct tobi_bytes pieces[NV_PIECES];
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_verify_request request = {.time = NITRO_NOW, .pieces = pieces};
	struct tobi_policy *policy = NULL;
	char more[256] = "";
	enum tobi_err err;

	make(machine);
	request.evidence = wr_view(&machine->cpu);
	request.nonce = machine->nitro.given_nonce;
	if (machine->in_collection) {
		write_collection(machine);
		request.evidence = wr_view(&machine->collection);
		request.nonce = (struct tobi_bytes){0};
	} else {
		request.piece_count = machine->device_count
					  ? nvidia_scene_pieces(&machine->devices, pieces)
					  : 0;
		for (size_t i = 0; i < machine->device_count; i++)
			pieces[request.piece_count++] = wr_view(&machine->reports[i]);
	}
	if (machine->stray.size)
		pieces[request.piece_count++] = machine->stray;
	if (machine->gpu)
		snprintf(more, sizeof(more), "gpu: %s\n", machine->gpu);
	machine->nitro.more = more;
	test_nitro_policy(&machine->nitro, &yaml);
	nvidia_scene_roots(&machine->devices, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "machine.yaml", &policy, NULL),
			 0);
	err = tobi_verify(policy, &request, ret_result, NULL);
	tobi_policy_free(policy);
	wr_done(&yaml);
	return err;
}

static struct tobi_result *appraise(struct machine *machine)
{
	struct tobi_result *result = NULL;

	assert_int_equal(run(machine, &result), 0);
	machine_free(machine);
	return result;
}

static void test_gpu__beside_a_cpu__accepts(void **state)
{
	struct machine *machine = machine_new();

	(void)state;
	expect_accepted(appraise(machine));
	machine = machine_new();
	machine->gpu = "{min-count: 0}";
	machine->device_count = 0;
	expect_accepted(appraise(machine));
	/* Nobody asks for one, and none is there. */
	machine = machine_new();
	machine->gpu = NULL;
	machine->device_count = 0;
	expect_accepted(appraise(machine));
}

static void test_gpu__not_asked_with_the_cpus_evidence__refuses(void **state)
{
	struct machine *machine = machine_new();

	(void)state;
	machine->other_nonce = true;
	FAILS("GPU-NONCE", appraise(machine));
}

static void test_gpu__asked_for_and_not_there__refuses(void **state)
{
	struct machine *machine = machine_new();

	(void)state;
	machine->gpu = "{architectures: [hopper]}";
	machine->device_count = 0;
	FAILS("POLICY-GPU-COUNT", appraise(machine));
	machine = machine_new();
	machine->device_count = 1;
	FAILS("POLICY-GPU-COUNT", appraise(machine));
}

/* What came is looked at, whether or not the policy speaks of it. */
static void test_gpu__not_asked_for_and_wrong__refuses(void **state)
{
	struct machine *machine = machine_new();

	(void)state;
	machine->gpu = NULL;
	machine->devices.by_another = true;
	FAILS("GPU-SIGNATURE", appraise(machine));
	machine = machine_new();
	machine->gpu = NULL;
	machine->devices.vbios_rim.absent = true;
	FAILS("POLICY-GPU-RIM", appraise(machine));
}

static void test_gpu__as_records_of_a_collection__is_looked_at(void **state)
{
	struct machine *machine = machine_new();
	struct tobi_result *result;

	(void)state;
	machine->in_collection = true;
	result = appraise(machine);
	assert_int_equal(outcome_of(result, "GPU-NONCE"), TOBI_PASSED);
	assert_int_equal(outcome_of(result, "GPU-RIM-MATCH"), TOBI_PASSED);
	assert_int_equal(outcome_of(result, "POLICY-GPU-COUNT"), TOBI_PASSED);
	assert_int_equal(outcome_of(result, "POLICY-GPU-OCSP"), TOBI_PASSED);
	tobi_result_free(result);
	machine = machine_new();
	machine->in_collection = true;
	machine->other_nonce = true;
	result = appraise(machine);
	assert_int_equal(outcome_of(result, "GPU-NONCE"), TOBI_FAILED);
	tobi_result_free(result);
}

static void test_gpu__record_of_another_name_or_kind__is_none(void **state)
{
	static const char *const names[] = {"gpu.0", "gpu.01", "gpu.", "gpus", "gpu.1a"};
	struct tobi_result *result = NULL;
	struct machine *machine;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		machine = machine_new();
		machine->in_collection = true;
		machine->key = names[i];
		result = appraise(machine);
		assert_int_equal(outcome_of(result, "POLICY-GPU-COUNT"), TOBI_FAILED);
		tobi_result_free(result);
	}
	machine = machine_new();
	machine->in_collection = true;
	machine->media_type = "application/vnd.tobichi.sev";
	result = NULL;
	assert_int_equal(run(machine, &result), TOBI_E_MALFORMED);
	machine_free(machine);
}

static void test_gpu__unreadable_report_beside__is_an_error(void **state)
{
	struct machine *machine = machine_new();
	struct tobi_result *result = NULL;

	(void)state;
	make(machine);
	machine->stray = (struct tobi_bytes){machine->devices.evidence.ptr, 200};
	/* Made again, of the same size and form. */
	wr_done(&machine->cpu);
	machine->cpu = wr_init(LIMIT_EVIDENCE);
	for (size_t i = 0; i < 2; i++)
		wr_done(&machine->reports[i]);
	{
		struct block cut = block_new(machine->stray);

		machine->stray = block_view(cut);
		assert_int_equal(run(machine, &result), TOBI_E_TRUNCATED);
		block_done(cut);
	}
	machine_free(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gpu__beside_a_cpu__accepts),
	    cmocka_unit_test(test_gpu__not_asked_with_the_cpus_evidence__refuses),
	    cmocka_unit_test(test_gpu__asked_for_and_not_there__refuses),
	    cmocka_unit_test(test_gpu__not_asked_for_and_wrong__refuses),
	    cmocka_unit_test(test_gpu__as_records_of_a_collection__is_looked_at),
	    cmocka_unit_test(test_gpu__record_of_another_name_or_kind__is_none),
	    cmocka_unit_test(test_gpu__unreadable_report_beside__is_an_error),
	};

	return cmocka_run_group_tests_name("gpu", tests, NULL, NULL);
}
