#include "appraise/policy_section.h"

#include "appraise/policy_dcap.h"
#include "appraise/policy_epid.h"
#include "appraise/policy_nitro.h"
#include "appraise/policy_sgx.h"
#include "appraise/policy_tdx.h"
#include "appraise/policy_snp.h"
#include "appraise/policy_sev.h"

const struct policy_section policy_sections[] = {
    {policy_epid_take, policy_epid_owe, policy_epid_run},
    {policy_dcap_take, policy_dcap_owe, policy_dcap_run},
    {policy_sgx_take, policy_sgx_owe, policy_sgx_run},
    {policy_tdx_take, policy_tdx_owe, policy_tdx_run},
    {policy_nitro_take, policy_nitro_owe, policy_nitro_run},
    {policy_snp_take, policy_snp_owe, policy_snp_run},
    {policy_sev_take, policy_sev_owe, policy_sev_run},
    {0},
};
