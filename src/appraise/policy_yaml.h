/* A policy file as it is written: the shape is checked, the rules are not (policy.c). */
#ifndef TOBI_APPRAISE_POLICY_YAML_H
#define TOBI_APPRAISE_POLICY_YAML_H

#include "base/cleanup.h"
#include "tobichi/verify.h"

enum { POLICY_TIERS_MAX = 17 };

/* Texts are NULL, and lists empty, where an optional key is absent. */
struct yaml_root {
	char *tier, *anchors, *wrapper;
};
struct yaml_identity {
	char *mode, *owner, *ca, *name;
	char **hardware;
	unsigned hardware_count;
};
struct yaml_pcr {
	char *index, *value;
};
struct yaml_tpm {
	char *anchors;
	struct yaml_pcr *pcrs;
	unsigned pcrs_count;
	char **banks, **quoted, **digests, **firmware, **eks, **certified_keys;
	unsigned banks_count, quoted_count, digests_count, firmware_count, eks_count,
	    certified_keys_count;
	char **projects, **zones, **instances;
	unsigned projects_count, zones_count, instances_count;
	char *resets, *min_resets, *restarts, *min_restarts, *min_clock, *safe;
	char *min_firmware, *ak_certificate, *ak_public;
};
/* What the sections sgx and tdx share. */
struct yaml_dcap {
	char **tcb_status, **advisories, **fmspc, **fmspc_refused, **platforms;
	unsigned tcb_status_count, advisories_count, fmspc_count, fmspc_refused_count,
	    platforms_count;
	char *min_tcb_evaluation;
};
/* The section sgx. */
struct yaml_sgx {
	struct yaml_dcap dcap;
	char *family, *ext_product, *min_config_svn;
	char **attributes;
	unsigned attributes_count;
};
/* The section tdx. */
struct yaml_tdx {
	struct yaml_dcap dcap;
	char **mr_seam, **mr_service_td, **attributes;
	unsigned mr_seam_count, mr_service_td_count, attributes_count;
	char *mr_config_id, *mr_owner, *mr_owner_config, *event_log;
	struct yaml_pcr *rtmrs;
	unsigned rtmrs_count;
};
struct yaml_collateral {
	char *grace, *baseline;
	char **signers;
	unsigned signers_count;
};
/* The section reference-values. */
struct yaml_reference {
	char **files, **documents, **signers, **profiles, **endorsed;
	unsigned files_count, documents_count, signers_count, profiles_count,
	    endorsed_count;
	char *unsigned_documents;
};
struct yaml_epid {
	char **status, **advisories, *nonce;
	unsigned status_count, advisories_count;
};
/* The sections nitro and nitro-tpm. */
struct yaml_nitro {
	struct yaml_pcr *pcrs;
	char **roles, **instances, **modules;
	unsigned pcrs_count, roles_count, instances_count, modules_count;
	char *public_key, *user_data;
};
struct yaml_snp_tcb {
	char *generation, *fmc, *boot_loader, *tee, *snp, *microcode;
};
struct yaml_snp {
	char *crl, *provisional_firmware, *migration;
	char *max_vmpl, *min_abi, *min_firmware, *family_id, *image_id;
	char **generations, **refused_generations, **chips, **csps, **keys;
	unsigned generations_count, refused_generations_count, chips_count, csps_count,
	    keys_count;
	char **id_keys, **author_keys, **guest_policy, **platform, **mitigations;
	unsigned id_keys_count, author_keys_count, guest_policy_count, platform_count,
	    mitigations_count;
	struct yaml_snp_tcb *min_tcb, *min_launch_tcb;
	unsigned min_tcb_count, min_launch_tcb_count;
};
/* The section boot. */
struct yaml_boot {
	char *secure_boot, *others, *unfinished;
	char **pk, **kek, **db, **dbx;
	unsigned pk_count, kek_count, db_count, dbx_count;
	char **loaders, **kernels, **initrds, **files, **ima_files;
	unsigned loaders_count, kernels_count, initrds_count, files_count,
	    ima_files_count;
	char **command_lines, **command_line_digests;
	unsigned command_lines_count, command_line_digests_count;
};
struct yaml_guest {
	char **tiers, **images;
	unsigned tiers_count, images_count;
};

struct yaml_sev {
	char **generations, **guest_policy, **oca;
	char *min_api, *min_build, *owner, *platform_only;
	unsigned generations_count, guest_policy_count, oca_count;
};
/* What the sections psa and cca share. */
struct yaml_component {
	char *type, *value, *signer, *version;
};
struct yaml_arm {
	char **implementations, **instances, **lifecycle;
	unsigned implementations_count, instances_count, lifecycle_count;
	struct yaml_component *components;
	unsigned components_count;
};
struct yaml_psa {
	struct yaml_arm arm;
	char **profiles, **certifications, **clients, *no_measurements;
	unsigned profiles_count, certifications_count, clients_count;
};
struct yaml_cca {
	struct yaml_arm arm;
	char **configs, **hashes, **realm_instances, *mec;
	unsigned configs_count, hashes_count, realm_instances_count;
	struct yaml_pcr *rems;
	unsigned rems_count;
};
struct yaml_ear_claim {
	char *claim, *min;
};
struct yaml_ear {
	char **profiles, **verifiers, **submods, **policies, **keys;
	unsigned profiles_count, verifiers_count, submods_count, policies_count,
	    keys_count;
	struct yaml_ear_claim *claims;
	unsigned claims_count;
	char *min_status, *binding;
};
struct yaml_eat {
	char **profiles, **issuers, **sw_names, **hw_models, **oem_ids, **submods,
	    **unproven;
	unsigned profiles_count, issuers_count, sw_names_count, hw_models_count,
	    oem_ids_count, submods_count, unproven_count;
};
struct yaml_azure {
	char *secure_boot, *console, *user_data;
	char **vm_ids, **thumbprints;
	unsigned vm_ids_count, thumbprints_count;
};
/* The section gpu. */
struct yaml_gpu {
	char *min_count, *rim, *ocsp, *hold, *protected_pcie, *min_driver;
	char **architectures, **drivers, **vbios, **projects, **project_skus, **chip_skus,
	    **boards, **fwids, **chips;
	unsigned architectures_count, drivers_count, vbios_count, projects_count,
	    project_skus_count, chip_skus_count, boards_count, fwids_count, chips_count;
};
struct yaml_policy {
	char *name;
	char **tiers, **images, **signers, **agents, **allow;
	unsigned tiers_count, images_count, signers_count, agents_count, allow_count;
	char *version, *product, *min_svn, *max_age; /* decimal digits, not checked */
	char *config_id, *channel;
	struct yaml_identity identity;
	struct yaml_root *roots;
	unsigned roots_count;
	struct yaml_tpm *tpm;
	struct yaml_collateral *collateral;
	struct yaml_reference *reference;
	struct yaml_epid *epid;
	struct yaml_nitro *nitro, *nitro_tpm;
	struct yaml_sgx *sgx;
	struct yaml_tdx *tdx;
	struct yaml_snp *snp;
	struct yaml_sev *sev;
	struct yaml_guest *guest;
	struct yaml_psa *psa;
	struct yaml_cca *cca;
	struct yaml_boot *boot;
	struct yaml_ear *ear;
	struct yaml_eat *eat;
	struct yaml_azure *azure;
	struct yaml_gpu *gpu;
};

/*
 * Strict: one document of plain text, known keys only, each once. object names the file
 * in faults. Errors: TOBI_E_TRUNCATED (empty), _LIMIT, _MALFORMED, _MEMORY.
 */
TOBI_MUST_USE enum tobi_err policy_yaml_load(struct tobi_bytes text, const char *object,
					     struct yaml_policy **ret_yaml,
					     struct tobi_fault *fault);
void policy_yaml_free(struct yaml_policy *yaml);
DEFINE_CLEANUP(struct yaml_policy *, policy_yaml_free)

#endif
