#include "tee/measure.h"

#include <inttypes.h>
#include <string.h>

#include "base/endian.h"
#include "base/secret.h"
#include "tee/dcap_tcb.h"
#include "tee/epid_claims.h"
#include "tee/nitro_claims.h"
#include "tee/sev_claims.h"
#include "tee/sgx_claims.h"
#include "tee/snp_claims.h"
#include "tee/tdx_claims.h"

enum {
	PROFILE_SVN = -73,
	PROFILE_ATTRIBUTES = -82,
	PROFILE_MRTEE = -83,
	PROFILE_MRSIGNER = -84,
	PROFILE_PRODUCT = -85,
	PROFILE_EVALUATION = -86
};

/* draft-deeglaze-amd-sev-snp-corim-profile: mkeys are of the report's fields. */
enum {
	SNP_VERSION = 0,
	SNP_GUEST_SVN = 1,
	SNP_POLICY = 2,
	SNP_FAMILY_ID = 3,
	SNP_IMAGE_ID = 4,
	SNP_VMPL = 5,
	SNP_CURRENT_TCB = 6,
	SNP_PLATFORM_INFO = 7,
	SNP_MEASUREMENT = 641,
	SNP_HOST_DATA = 642,
	SNP_ID_KEY = 643,
	SNP_AUTHOR_KEY = 644,
	SNP_REPORT_ID = 645,
	SNP_REPORT_ID_MA = 646,
	SNP_REPORTED_TCB = 647,
	SNP_CHIP_ID = 3328,
	SNP_COMMITTED_TCB = 3329,
	SNP_CURRENT_VERSION = 3330,
	SNP_COMMITTED_VERSION = 3936,
	SNP_LAUNCH_TCB = 3968,
};

/* 1.3.6.1.4.1.3704.3.1 and .2: a report by a chip's key, and by a cloud's. */
static const uint8_t snp_by_chip[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
				      0x9c, 0x78, 0x03, 0x01};
static const uint8_t snp_by_cloud[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
				       0x9c, 0x78, 0x03, 0x02};

struct measure {
	struct tee_claims *claims;
	struct arena *arena;
};

/* A measurement of no key; NULL when there is no room. */
static struct tee_measurement *add(const struct measure *to)
{
	return tee_measurement_add(to->claims, to->arena);
}

static struct tee_measurement *add_number(const struct measure *to, uint64_t number)
{
	struct tee_measurement *measurement = add(to);

	if (measurement) {
		measurement->mkey = TEE_MKEY_NUMBER;
		measurement->number = number;
	}
	return measurement;
}

static struct tee_measurement *add_text(const struct measure *to, const char *text)
{
	struct tee_measurement *measurement = add(to);

	if (measurement) {
		measurement->mkey = TEE_MKEY_TEXT;
		measurement->text = text;
	}
	return measurement;
}

/* By its size: SHA-256 or SHA-384. Nothing where there is nothing. */
static void set_digest(struct tee_measurement *measurement, struct tobi_bytes value)
{
	if (!measurement || !value.size)
		return;
	measurement->digests[measurement->digest_count++] = (struct tee_digest){
	    value.size == SHA256_SIZE ? TEE_SHA256 : TEE_SHA384, value};
}

static void set_svn(struct tee_measurement *measurement, uint64_t svn)
{
	if (!measurement)
		return;
	measurement->has_svn = true;
	measurement->svn = svn;
}

static void set_debug(struct tee_measurement *measurement, bool debug)
{
	if (!measurement)
		return;
	measurement->flags_known = 1U << TEE_FLAG_DEBUG;
	measurement->flags = (uint32_t)debug << TEE_FLAG_DEBUG;
}

static void add_digest_text(const struct measure *to, const char *mkey,
			    struct tobi_bytes value)
{
	if (value.size)
		set_digest(add_text(to, mkey), value);
}

static void measure_soft(const struct measure *to)
{
	const struct tee_claims *claims = to->claims;
	struct tee_measurement *image = add_text(to, MEASURE_IMAGE);

	to->claims->environment.vendor = MEASURE_VENDOR;
	to->claims->environment.model = MEASURE_MODEL;
	to->claims->environment.instance = claims->hardware;
	set_digest(image, claims->image_id);
	set_svn(image, claims->svn);
	set_debug(image, claims->debug);
	if (image)
		image->image = true;
	for (size_t i = 0; i < claims->signer_count; i++)
		add_digest_text(to, MEASURE_SIGNER, claims->signers[i]);
	set_svn(add_text(to, MEASURE_PRODUCT), claims->product);
	add_digest_text(to, MEASURE_CONFIG, claims->config_id);
	add_digest_text(to, MEASURE_AGENT, claims->agent);
}

/* The bytes of a number as the hardware has them, in the arena. */
static struct tobi_bytes little(const struct measure *to, uint64_t value, size_t size)
{
	uint8_t bytes[8];

	store_le(bytes, sizeof(bytes), value);
	return arena_copy(to->arena, (struct tobi_bytes){bytes, size});
}

struct values {
	struct tee_value *list;
	size_t count;
};

static void add_value(struct values *values, int64_t key, enum tee_value_form form,
		      uint64_t number, struct tobi_bytes bytes)
{
	if (values->list && values->count < TEE_VALUES_MAX)
		values->list[values->count++] =
		    (struct tee_value){key, form, number, bytes};
}

static struct values new_values(const struct measure *to)
{
	return (struct values){
	    arena_array(to->arena, TEE_VALUES_MAX, sizeof(struct tee_value)), 0};
}

/* Of the platform, where the vendor's documents were there. */
static void add_evaluation(const struct measure *to, struct values *values)
{
	const struct dcap_claims *dcap = to->claims->dcap;

	if (dcap && dcap->tcb && dcap->tcb->found)
		add_value(values, PROFILE_EVALUATION, TEE_VALUE_NUMBER,
			  dcap->tcb->evaluation, (struct tobi_bytes){0});
}

static void take_values(struct tee_measurement *measurement, const struct values *values)
{
	if (!measurement)
		return;
	measurement->values = values->list;
	measurement->value_count = values->count;
}

/* An enclave of SGX, as a quote or Intel's old service tells of it. */
static void measure_sgx(const struct measure *to)
{
	const struct tee_claims *claims = to->claims;
	struct tee_measurement *enclave = add(to);
	struct values values = new_values(to);

	to->claims->environment.vendor = "Intel Corporation";
	to->claims->environment.model = "SGX";
	to->claims->environment.instance = claims->hardware;
	set_digest(enclave, claims->image_id);
	set_svn(enclave, claims->svn);
	set_debug(enclave, claims->debug);
	add_value(&values, PROFILE_SVN, TEE_VALUE_NUMBER, claims->svn,
		  (struct tobi_bytes){0});
	add_value(&values, PROFILE_MRTEE, TEE_VALUE_DIGEST, TEE_SHA256, claims->image_id);
	if (claims->signer_count)
		add_value(&values, PROFILE_MRSIGNER, TEE_VALUE_DIGEST, TEE_SHA256,
			  claims->signers[0]);
	add_value(&values, PROFILE_PRODUCT, TEE_VALUE_NUMBER, claims->product,
		  (struct tobi_bytes){0});
	add_value(&values, PROFILE_PRODUCT, TEE_VALUE_BYTES, 0,
		  little(to, claims->product, 2));
	if (claims->sgx) {
		uint8_t attributes[16];

		store_le(attributes, 8, claims->sgx->flags);
		store_le(attributes + 8, 8, claims->sgx->xfrm);
		add_value(&values, PROFILE_ATTRIBUTES, TEE_VALUE_BYTES, 0,
			  arena_copy(to->arena, (struct tobi_bytes){attributes, 16}));
	}
	add_evaluation(to, &values);
	take_values(enclave, &values);
	if (enclave)
		enclave->image = true;
}

static void take_rtmrs(const struct measure *to, struct tee_measurement *guest)
{
	struct tee_register *list =
	    arena_array(to->arena, TDX_RTMRS, sizeof(struct tee_register));

	for (size_t i = 0; i < TDX_RTMRS && list; i++)
		list[i] = (struct tee_register){
		    .number = i,
		    .digests = {{TEE_SHA384, to->claims->tdx->report.rtmrs[i]}},
		    .digest_count = 1};
	if (!guest || !list)
		return;
	guest->registers = list;
	guest->register_count = TDX_RTMRS;
}

static void measure_tdx(const struct measure *to)
{
	const struct tee_claims *claims = to->claims;
	const struct tdx_report *report = &claims->tdx->report;
	struct tee_measurement *guest = add(to);
	struct values values = new_values(to);

	to->claims->environment.vendor = "Intel Corporation";
	to->claims->environment.model = "TDX";
	to->claims->environment.instance = claims->hardware;
	set_digest(guest, report->mr_td);
	set_debug(guest, claims->debug);
	add_value(&values, PROFILE_MRTEE, TEE_VALUE_DIGEST, TEE_SHA384, report->mr_td);
	add_value(&values, PROFILE_ATTRIBUTES, TEE_VALUE_BYTES, 0,
		  little(to, report->attributes, 8));
	add_evaluation(to, &values);
	take_values(guest, &values);
	take_rtmrs(to, guest);
	/* Azure launches its paravisor, and that starts what the virtual TPM measures. */
	if (guest)
		guest->image = !claims->azure;
	add_digest_text(to, "mrseam", report->mr_seam);
	add_digest_text(to, "mrsignerseam", report->mr_signer_seam);
	add_digest_text(to, "mrconfigid", report->mr_config_id);
	add_digest_text(to, "mrowner", report->mr_owner);
	add_digest_text(to, "mrownerconfig", report->mr_owner_config);
	add_digest_text(to, "mrservicetd", report->mr_service_td);
}

static void add_raw(const struct measure *to, uint64_t mkey, struct tobi_bytes value)
{
	struct tee_measurement *measurement = add_number(to, mkey);

	if (measurement)
		measurement->raw = value;
}

/* A number that the report has in so many bytes: as an SVN, and as it is. */
static void add_both(const struct measure *to, uint64_t mkey, uint64_t value, size_t size)
{
	struct tee_measurement *measurement = add_number(to, mkey);

	set_svn(measurement, value);
	if (measurement)
		measurement->raw = little(to, value, size);
}

static void add_tcb(const struct measure *to, uint64_t mkey, struct tobi_bytes tcb)
{
	if (tcb.size == 8)
		add_both(to, mkey, load_u64le(tcb.ptr), 8);
}

static void add_firmware(const struct measure *to, uint64_t mkey,
			 const struct snp_firmware *firmware)
{
	struct tee_measurement *measurement = add_number(to, mkey);

	if (measurement)
		measurement->version =
		    arena_printf(to->arena, "%u.%u.%u", firmware->major, firmware->minor,
				 firmware->build);
}

static void snp_place(const struct measure *to, const struct snp_claims *snp)
{
	struct tee_environment *environment = &to->claims->environment;
	bool by_cloud = snp_report_key(&snp->report) == SNP_KEY_VLEK;

	environment->class_kind = TEE_CLASS_OID;
	environment->class_id =
	    by_cloud ? (struct tobi_bytes){snp_by_cloud, sizeof(snp_by_cloud)}
		     : (struct tobi_bytes){snp_by_chip, sizeof(snp_by_chip)};
	if (by_cloud)
		environment->instance = bytes_of_text(snp->csp);
	else if (!snp_is_zero(snp->report.chip_id))
		environment->instance = snp->report.chip_id;
}

static void measure_snp(const struct measure *to)
{
	const struct snp_claims *snp = to->claims->snp;
	const struct snp_report *report = &snp->report;
	struct tee_measurement *measurement;

	snp_place(to, snp);
	add_both(to, SNP_VERSION, report->version, 4);
	add_both(to, SNP_GUEST_SVN, report->guest_svn, 4);
	add_both(to, SNP_POLICY, report->policy, 8);
	set_debug(&to->claims->measurements[to->claims->measurement_count - 1],
		  to->claims->debug);
	add_raw(to, SNP_FAMILY_ID, report->family_id);
	add_raw(to, SNP_IMAGE_ID, report->image_id);
	add_both(to, SNP_VMPL, report->vmpl, 4);
	add_tcb(to, SNP_CURRENT_TCB, report->current_tcb);
	add_both(to, SNP_PLATFORM_INFO, report->platform, 8);
	measurement = add_number(to, SNP_MEASUREMENT);
	set_digest(measurement, report->measurement);
	if (measurement)
		measurement->image = !to->claims->azure;
	add_raw(to, SNP_HOST_DATA, report->host_data);
	set_digest(add_number(to, SNP_ID_KEY), report->id_key_digest);
	set_digest(add_number(to, SNP_AUTHOR_KEY), report->author_key_digest);
	add_raw(to, SNP_REPORT_ID, report->report_id);
	add_raw(to, SNP_REPORT_ID_MA, report->migration_agent);
	add_tcb(to, SNP_REPORTED_TCB, report->reported_tcb);
	add_raw(to, SNP_CHIP_ID, report->chip_id);
	add_tcb(to, SNP_COMMITTED_TCB, report->committed_tcb);
	add_firmware(to, SNP_CURRENT_VERSION, &report->current);
	add_firmware(to, SNP_COMMITTED_VERSION, &report->committed);
	add_tcb(to, SNP_LAUNCH_TCB, report->launch_tcb);
}

static void measure_nitro(const struct measure *to)
{
	const struct nitro_claims *nitro = to->claims->nitro;
	unsigned image = nitro->tpm ? NITRO_TPM_PCR_BOOT : NITRO_PCR_IMAGE;

	to->claims->environment.vendor = "Amazon Web Services";
	to->claims->environment.model = nitro->tpm ? "NitroTPM" : "Nitro Enclaves";
	to->claims->environment.instance = nitro->module_id;
	for (unsigned i = 0; i < NITRO_PCRS; i++) {
		struct tee_measurement *pcr;

		if (!nitro->pcrs[i].size)
			continue;
		pcr = add_number(to, i);
		set_digest(pcr, nitro->pcrs[i]);
		if (pcr)
			pcr->image = i == image;
	}
}

/* What was launched is proven by a keyed hash, and known only when the policy named it.
 */
static void measure_sev(const struct measure *to)
{
	struct tee_measurement *launch;

	to->claims->environment.vendor = "AMD";
	to->claims->environment.model = "SEV";
	to->claims->environment.instance = to->claims->hardware;
	if (!to->claims->image_id.size)
		return;
	launch = add_text(to, "launch-digest");
	set_digest(launch, to->claims->image_id);
	set_debug(launch, to->claims->debug);
	if (launch)
		launch->image = true;
}

void tee_measure(struct tee_claims *claims, struct arena *arena)
{
	const struct measure to = {claims, arena};

	if (claims->measurement_count || !claims->tier)
		return;
	if (claims->snp)
		measure_snp(&to);
	else if (claims->tdx)
		measure_tdx(&to);
	else if (claims->sgx || claims->epid)
		measure_sgx(&to);
	else if (claims->nitro)
		measure_nitro(&to);
	else if (claims->sev)
		measure_sev(&to);
	else if (strcmp(claims->tier, "soft") == 0)
		measure_soft(&to);
}
