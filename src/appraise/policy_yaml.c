#include "appraise/policy_yaml.h"

#include "base/limits.h"
#include "codec/yaml.h"

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, LIMIT_PEM)};

#define OPTIONAL_LIST(key, type, member)                                                 \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type,        \
			     member, &text_schema, 1, LIMIT_POLICY_ITEMS)
#define OPTIONAL_TEXT(key, type, member)                                                 \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type,      \
			       member, 1, LIMIT_PEM)
static const cyaml_schema_field_t root_fields[] = {
    CYAML_FIELD_STRING_PTR("tier", CYAML_FLAG_POINTER, struct yaml_root, tier, 1, 16),
    CYAML_FIELD_STRING_PTR("anchors", CYAML_FLAG_POINTER, struct yaml_root, anchors, 1,
			   LIMIT_PEM),
    OPTIONAL_TEXT("wrapper", struct yaml_root, wrapper), CYAML_FIELD_END};
static const cyaml_schema_value_t root_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_root, root_fields)};

static const cyaml_schema_field_t identity_fields[] = {
    CYAML_FIELD_STRING_PTR("mode", CYAML_FLAG_POINTER, struct yaml_identity, mode, 1, 32),
    OPTIONAL_TEXT("owner", struct yaml_identity, owner),
    OPTIONAL_TEXT("ca", struct yaml_identity, ca),
    OPTIONAL_TEXT("name", struct yaml_identity, name),
    OPTIONAL_LIST("hardware", struct yaml_identity, hardware),
    CYAML_FIELD_END};

static const cyaml_schema_field_t pcr_fields[] = {
    CYAML_FIELD_STRING_PTR("index", CYAML_FLAG_POINTER, struct yaml_pcr, index, 1, 2),
    CYAML_FIELD_STRING_PTR("value", CYAML_FLAG_POINTER, struct yaml_pcr, value, 1, 128),
    CYAML_FIELD_END};
static const cyaml_schema_value_t pcr_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_pcr, pcr_fields)};
static const cyaml_schema_field_t tpm_fields[] = {
    OPTIONAL_TEXT("anchors", struct yaml_tpm, anchors),
    CYAML_FIELD_SEQUENCE("pcrs", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			 struct yaml_tpm, pcrs, &pcr_schema, 1, 96),
    OPTIONAL_LIST("banks", struct yaml_tpm, banks),
    OPTIONAL_LIST("quoted", struct yaml_tpm, quoted),
    OPTIONAL_LIST("pcr-digests", struct yaml_tpm, digests),
    OPTIONAL_TEXT("resets", struct yaml_tpm, resets),
    OPTIONAL_TEXT("min-resets", struct yaml_tpm, min_resets),
    OPTIONAL_TEXT("restarts", struct yaml_tpm, restarts),
    OPTIONAL_TEXT("min-restarts", struct yaml_tpm, min_restarts),
    OPTIONAL_TEXT("min-clock", struct yaml_tpm, min_clock),
    OPTIONAL_TEXT("safe", struct yaml_tpm, safe),
    OPTIONAL_LIST("firmware", struct yaml_tpm, firmware),
    OPTIONAL_TEXT("min-firmware", struct yaml_tpm, min_firmware),
    OPTIONAL_TEXT("ak-certificate", struct yaml_tpm, ak_certificate),
    OPTIONAL_TEXT("ak-public", struct yaml_tpm, ak_public),
    OPTIONAL_LIST("eks", struct yaml_tpm, eks),
    OPTIONAL_LIST("certified-keys", struct yaml_tpm, certified_keys),
    OPTIONAL_LIST("gce-projects", struct yaml_tpm, projects),
    OPTIONAL_LIST("gce-zones", struct yaml_tpm, zones),
    OPTIONAL_LIST("gce-instances", struct yaml_tpm, instances),
    CYAML_FIELD_END};

static const cyaml_schema_field_t collateral_fields[] = {
    OPTIONAL_TEXT("grace", struct yaml_collateral, grace),
    OPTIONAL_TEXT("baseline", struct yaml_collateral, baseline),
    OPTIONAL_LIST("signers", struct yaml_collateral, signers), CYAML_FIELD_END};

static const cyaml_schema_field_t epid_fields[] = {
    OPTIONAL_LIST("status", struct yaml_epid, status),
    OPTIONAL_LIST("advisories", struct yaml_epid, advisories),
    OPTIONAL_TEXT("nonce", struct yaml_epid, nonce), CYAML_FIELD_END};
/* A TPM's has no PCRs of a role and of an instance. */
#define NITRO_PCRS_OF(most)                                                              \
	CYAML_FIELD_SEQUENCE("pcrs", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,           \
			     struct yaml_nitro, pcrs, &pcr_schema, 1, most)
#define NITRO_FIELDS                                                                     \
	OPTIONAL_LIST("module-ids", struct yaml_nitro, modules),                         \
	    OPTIONAL_TEXT("public-key", struct yaml_nitro, public_key),                  \
	    OPTIONAL_TEXT("user-data", struct yaml_nitro, user_data)
static const cyaml_schema_field_t nitro_fields[] = {
    NITRO_PCRS_OF(32), NITRO_FIELDS, OPTIONAL_LIST("role-arns", struct yaml_nitro, roles),
    OPTIONAL_LIST("instance-ids", struct yaml_nitro, instances), CYAML_FIELD_END};
static const cyaml_schema_field_t nitro_tpm_fields[] = {NITRO_PCRS_OF(24), NITRO_FIELDS,
							CYAML_FIELD_END};
#define DCAP_FIELDS(type)                                                                \
	OPTIONAL_LIST("tcb-status", type, dcap.tcb_status),                              \
	    OPTIONAL_LIST("advisories", type, dcap.advisories),                          \
	    OPTIONAL_TEXT("min-tcb-evaluation", type, dcap.min_tcb_evaluation),          \
	    OPTIONAL_LIST("fmspc", type, dcap.fmspc),                                    \
	    OPTIONAL_LIST("fmspc-refused", type, dcap.fmspc_refused),                    \
	    OPTIONAL_LIST("platforms", type, dcap.platforms)
static const cyaml_schema_field_t sgx_fields[] = {
    DCAP_FIELDS(struct yaml_sgx),
    OPTIONAL_TEXT("family-id", struct yaml_sgx, family),
    OPTIONAL_TEXT("ext-product-id", struct yaml_sgx, ext_product),
    OPTIONAL_TEXT("min-config-svn", struct yaml_sgx, min_config_svn),
    OPTIONAL_LIST("attributes", struct yaml_sgx, attributes),
    CYAML_FIELD_END};

static const cyaml_schema_field_t tdx_fields[] = {
    DCAP_FIELDS(struct yaml_tdx),
    OPTIONAL_LIST("mr-seam", struct yaml_tdx, mr_seam),
    OPTIONAL_LIST("mr-service-td", struct yaml_tdx, mr_service_td),
    OPTIONAL_TEXT("mr-config-id", struct yaml_tdx, mr_config_id),
    OPTIONAL_TEXT("mr-owner", struct yaml_tdx, mr_owner),
    OPTIONAL_TEXT("mr-owner-config", struct yaml_tdx, mr_owner_config),
    CYAML_FIELD_SEQUENCE("rtmrs", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			 struct yaml_tdx, rtmrs, &pcr_schema, 1, 4),
    OPTIONAL_LIST("attributes", struct yaml_tdx, attributes),
    OPTIONAL_TEXT("event-log", struct yaml_tdx, event_log),
    CYAML_FIELD_END};

static const cyaml_schema_field_t reference_fields[] = {
    OPTIONAL_LIST("files", struct yaml_reference, files),
    OPTIONAL_LIST("documents", struct yaml_reference, documents),
    OPTIONAL_LIST("signers", struct yaml_reference, signers),
    OPTIONAL_LIST("profiles", struct yaml_reference, profiles),
    OPTIONAL_LIST("endorsed", struct yaml_reference, endorsed),
    OPTIONAL_TEXT("unsigned", struct yaml_reference, unsigned_documents),
    CYAML_FIELD_END};

static const cyaml_schema_field_t snp_tcb_fields[] = {
    CYAML_FIELD_STRING_PTR("generation", CYAML_FLAG_POINTER, struct yaml_snp_tcb,
			   generation, 1, 16),
    OPTIONAL_TEXT("fmc", struct yaml_snp_tcb, fmc),
    OPTIONAL_TEXT("boot-loader", struct yaml_snp_tcb, boot_loader),
    OPTIONAL_TEXT("tee", struct yaml_snp_tcb, tee),
    OPTIONAL_TEXT("snp", struct yaml_snp_tcb, snp),
    OPTIONAL_TEXT("microcode", struct yaml_snp_tcb, microcode),
    CYAML_FIELD_END};
static const cyaml_schema_value_t snp_tcb_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_snp_tcb, snp_tcb_fields)};
static const cyaml_schema_field_t snp_fields[] = {
    OPTIONAL_TEXT("crl", struct yaml_snp, crl),
    OPTIONAL_TEXT("provisional-firmware", struct yaml_snp, provisional_firmware),
    OPTIONAL_TEXT("migration", struct yaml_snp, migration),
    OPTIONAL_TEXT("max-vmpl", struct yaml_snp, max_vmpl),
    OPTIONAL_TEXT("min-abi", struct yaml_snp, min_abi),
    OPTIONAL_TEXT("min-firmware", struct yaml_snp, min_firmware),
    OPTIONAL_TEXT("family-id", struct yaml_snp, family_id),
    OPTIONAL_TEXT("image-id", struct yaml_snp, image_id),
    OPTIONAL_LIST("generations", struct yaml_snp, generations),
    OPTIONAL_LIST("refused-generations", struct yaml_snp, refused_generations),
    OPTIONAL_LIST("chips", struct yaml_snp, chips),
    OPTIONAL_LIST("csp-ids", struct yaml_snp, csps),
    OPTIONAL_LIST("keys", struct yaml_snp, keys),
    OPTIONAL_LIST("id-keys", struct yaml_snp, id_keys),
    OPTIONAL_LIST("author-keys", struct yaml_snp, author_keys),
    OPTIONAL_LIST("guest-policy", struct yaml_snp, guest_policy),
    OPTIONAL_LIST("platform", struct yaml_snp, platform),
    OPTIONAL_LIST("mitigations", struct yaml_snp, mitigations),
    CYAML_FIELD_SEQUENCE("min-tcb", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			 struct yaml_snp, min_tcb, &snp_tcb_schema, 1, 8),
    CYAML_FIELD_SEQUENCE("min-launch-tcb", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			 struct yaml_snp, min_launch_tcb, &snp_tcb_schema, 1, 8),
    CYAML_FIELD_END};

static const cyaml_schema_field_t guest_fields[] = {
    OPTIONAL_LIST("tiers", struct yaml_guest, tiers),
    OPTIONAL_LIST("images", struct yaml_guest, images),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t sev_fields[] = {
    OPTIONAL_LIST("generations", struct yaml_sev, generations),
    OPTIONAL_LIST("guest-policy", struct yaml_sev, guest_policy),
    OPTIONAL_LIST("oca", struct yaml_sev, oca),
    OPTIONAL_TEXT("min-api", struct yaml_sev, min_api),
    OPTIONAL_TEXT("min-build", struct yaml_sev, min_build),
    OPTIONAL_TEXT("owner", struct yaml_sev, owner),
    OPTIONAL_TEXT("platform-only", struct yaml_sev, platform_only),
    CYAML_FIELD_END};

static const cyaml_schema_field_t component_fields[] = {
    OPTIONAL_TEXT("type", struct yaml_component, type),
    OPTIONAL_TEXT("value", struct yaml_component, value),
    OPTIONAL_TEXT("signer", struct yaml_component, signer),
    OPTIONAL_TEXT("version", struct yaml_component, version), CYAML_FIELD_END};
static const cyaml_schema_value_t component_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_component, component_fields)};
#define ARM_FIELDS(type)                                                                 \
	OPTIONAL_LIST("implementation-ids", type, arm.implementations),                  \
	    OPTIONAL_LIST("instance-ids", type, arm.instances),                          \
	    OPTIONAL_LIST("lifecycle", type, arm.lifecycle),                             \
	    CYAML_FIELD_SEQUENCE("components", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, \
				 type, arm.components, &component_schema, 1, 256)
static const cyaml_schema_field_t psa_fields[] = {
    ARM_FIELDS(struct yaml_psa),
    OPTIONAL_LIST("profiles", struct yaml_psa, profiles),
    OPTIONAL_LIST("certification-references", struct yaml_psa, certifications),
    OPTIONAL_LIST("client-ids", struct yaml_psa, clients),
    OPTIONAL_TEXT("no-measurements", struct yaml_psa, no_measurements),
    CYAML_FIELD_END};
static const cyaml_schema_field_t cca_fields[] = {
    ARM_FIELDS(struct yaml_cca),
    OPTIONAL_LIST("platform-configs", struct yaml_cca, configs),
    OPTIONAL_LIST("hash-algorithms", struct yaml_cca, hashes),
    OPTIONAL_LIST("realm-instance-ids", struct yaml_cca, realm_instances),
    OPTIONAL_TEXT("mec", struct yaml_cca, mec),
    CYAML_FIELD_SEQUENCE("rems", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			 struct yaml_cca, rems, &pcr_schema, 1, 4),
    CYAML_FIELD_END};

static const cyaml_schema_field_t boot_fields[] = {
    OPTIONAL_TEXT("secure-boot", struct yaml_boot, secure_boot),
    OPTIONAL_TEXT("others", struct yaml_boot, others),
    OPTIONAL_TEXT("unfinished", struct yaml_boot, unfinished),
    OPTIONAL_LIST("pk", struct yaml_boot, pk),
    OPTIONAL_LIST("kek", struct yaml_boot, kek),
    OPTIONAL_LIST("db", struct yaml_boot, db),
    OPTIONAL_LIST("dbx", struct yaml_boot, dbx),
    OPTIONAL_LIST("boot-loaders", struct yaml_boot, loaders),
    OPTIONAL_LIST("kernels", struct yaml_boot, kernels),
    OPTIONAL_LIST("initrds", struct yaml_boot, initrds),
    OPTIONAL_LIST("command-lines", struct yaml_boot, command_lines),
    OPTIONAL_LIST("command-line-digests", struct yaml_boot, command_line_digests),
    OPTIONAL_LIST("files", struct yaml_boot, files),
    CYAML_FIELD_SEQUENCE("ima-files", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			 struct yaml_boot, ima_files, &text_schema, 1, LIMIT_IMA_DIGESTS),
    CYAML_FIELD_END};

static const cyaml_schema_field_t ear_claim_fields[] = {
    CYAML_FIELD_STRING_PTR("claim", CYAML_FLAG_POINTER, struct yaml_ear_claim, claim, 1,
			   32),
    CYAML_FIELD_STRING_PTR("min", CYAML_FLAG_POINTER, struct yaml_ear_claim, min, 1, 16),
    CYAML_FIELD_END};
static const cyaml_schema_value_t ear_claim_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_ear_claim, ear_claim_fields)};
static const cyaml_schema_field_t ear_fields[] = {
    OPTIONAL_LIST("profiles", struct yaml_ear, profiles),
    OPTIONAL_LIST("verifiers", struct yaml_ear, verifiers),
    OPTIONAL_LIST("submods", struct yaml_ear, submods),
    OPTIONAL_LIST("policies", struct yaml_ear, policies),
    OPTIONAL_LIST("keys", struct yaml_ear, keys),
    OPTIONAL_TEXT("min-status", struct yaml_ear, min_status),
    OPTIONAL_TEXT("binding", struct yaml_ear, binding),
    CYAML_FIELD_SEQUENCE("claims", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			 struct yaml_ear, claims, &ear_claim_schema, 1, 8),
    CYAML_FIELD_END};
static const cyaml_schema_field_t azure_fields[] = {
    OPTIONAL_TEXT("secure-boot", struct yaml_azure, secure_boot),
    OPTIONAL_TEXT("console", struct yaml_azure, console),
    OPTIONAL_TEXT("user-data", struct yaml_azure, user_data),
    OPTIONAL_LIST("vm-ids", struct yaml_azure, vm_ids),
    OPTIONAL_LIST("root-cert-thumbprints", struct yaml_azure, thumbprints),
    CYAML_FIELD_END};

static const cyaml_schema_field_t gpu_fields[] = {
    OPTIONAL_TEXT("min-count", struct yaml_gpu, min_count),
    OPTIONAL_LIST("architectures", struct yaml_gpu, architectures),
    OPTIONAL_LIST("drivers", struct yaml_gpu, drivers),
    OPTIONAL_TEXT("min-driver", struct yaml_gpu, min_driver),
    OPTIONAL_LIST("vbios", struct yaml_gpu, vbios),
    OPTIONAL_TEXT("rim", struct yaml_gpu, rim),
    OPTIONAL_TEXT("ocsp", struct yaml_gpu, ocsp),
    OPTIONAL_TEXT("hold", struct yaml_gpu, hold),
    OPTIONAL_LIST("projects", struct yaml_gpu, projects),
    OPTIONAL_LIST("project-skus", struct yaml_gpu, project_skus),
    OPTIONAL_LIST("chip-skus", struct yaml_gpu, chip_skus),
    OPTIONAL_LIST("boards", struct yaml_gpu, boards),
    OPTIONAL_LIST("fwids", struct yaml_gpu, fwids),
    OPTIONAL_LIST("chips", struct yaml_gpu, chips),
    OPTIONAL_TEXT("protected-pcie", struct yaml_gpu, protected_pcie),
    CYAML_FIELD_END};

static const cyaml_schema_field_t eat_fields[] = {
    OPTIONAL_LIST("profiles", struct yaml_eat, profiles),
    OPTIONAL_LIST("issuers", struct yaml_eat, issuers),
    OPTIONAL_LIST("sw-names", struct yaml_eat, sw_names),
    OPTIONAL_LIST("hw-models", struct yaml_eat, hw_models),
    OPTIONAL_LIST("oem-ids", struct yaml_eat, oem_ids),
    OPTIONAL_LIST("submods", struct yaml_eat, submods),
    OPTIONAL_LIST("unproven-submods", struct yaml_eat, unproven),
    CYAML_FIELD_END};

/* Numbers are texts here: libcyaml would take octal, hexadecimal and signs. */
static const cyaml_schema_field_t policy_fields[] = {
    CYAML_FIELD_STRING_PTR("version", CYAML_FLAG_POINTER, struct yaml_policy, version, 1,
			   32),
    OPTIONAL_TEXT("name", struct yaml_policy, name),
    CYAML_FIELD_SEQUENCE("tiers", CYAML_FLAG_POINTER, struct yaml_policy, tiers,
			 &text_schema, 1, POLICY_TIERS_MAX),
    OPTIONAL_LIST("images", struct yaml_policy, images),
    OPTIONAL_LIST("signers", struct yaml_policy, signers),
    OPTIONAL_LIST("agents", struct yaml_policy, agents),
    OPTIONAL_LIST("allow", struct yaml_policy, allow),
    OPTIONAL_TEXT("product", struct yaml_policy, product),
    OPTIONAL_TEXT("min-svn", struct yaml_policy, min_svn),
    OPTIONAL_TEXT("max-age", struct yaml_policy, max_age),
    OPTIONAL_TEXT("config-id", struct yaml_policy, config_id),
    OPTIONAL_TEXT("channel", struct yaml_policy, channel),
    CYAML_FIELD_MAPPING("identity", CYAML_FLAG_DEFAULT, struct yaml_policy, identity,
			identity_fields),
    CYAML_FIELD_SEQUENCE("roots", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			 struct yaml_policy, roots, &root_schema, 1, 16),
    CYAML_FIELD_MAPPING_PTR("tpm", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, tpm, tpm_fields),
    CYAML_FIELD_MAPPING_PTR("collateral", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, collateral, collateral_fields),
    CYAML_FIELD_MAPPING_PTR("reference-values", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, reference, reference_fields),
    CYAML_FIELD_MAPPING_PTR("sgx-epid", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, epid, epid_fields),
    CYAML_FIELD_MAPPING_PTR("nitro", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, nitro, nitro_fields),
    CYAML_FIELD_MAPPING_PTR("nitro-tpm", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, nitro_tpm, nitro_tpm_fields),
    CYAML_FIELD_MAPPING_PTR("sgx", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, sgx, sgx_fields),
    CYAML_FIELD_MAPPING_PTR("tdx", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, tdx, tdx_fields),
    CYAML_FIELD_MAPPING_PTR("snp", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, snp, snp_fields),
    CYAML_FIELD_MAPPING_PTR("guest", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, guest, guest_fields),
    CYAML_FIELD_MAPPING_PTR("sev", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, sev, sev_fields),
    CYAML_FIELD_MAPPING_PTR("psa", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, psa, psa_fields),
    CYAML_FIELD_MAPPING_PTR("cca", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, cca, cca_fields),
    CYAML_FIELD_MAPPING_PTR("boot", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, boot, boot_fields),
    CYAML_FIELD_MAPPING_PTR("ear", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, ear, ear_fields),
    CYAML_FIELD_MAPPING_PTR("eat", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, eat, eat_fields),
    CYAML_FIELD_MAPPING_PTR("azure", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, azure, azure_fields),
    CYAML_FIELD_MAPPING_PTR("gpu", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			    struct yaml_policy, gpu, gpu_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t policy_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_policy, policy_fields)};

enum tobi_err policy_yaml_load(struct tobi_bytes text, const char *name,
			       struct yaml_policy **ret_yaml, struct tobi_fault *fault)
{
	void *yaml = NULL;
	enum tobi_err err =
	    yaml_read(text, LIMIT_POLICY, name, &policy_schema, &yaml, fault);

	if (!err)
		*ret_yaml = yaml;
	return err;
}

void policy_yaml_free(struct yaml_policy *yaml)
{
	yaml_done(&policy_schema, yaml);
}
