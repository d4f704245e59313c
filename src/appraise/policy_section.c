#include "appraise/policy_section.h"

#include "appraise/policy_epid.h"
#include "appraise/policy_nitro.h"
#include "appraise/policy_sgx.h"

const struct policy_section policy_sections[] = {
    {policy_epid_take, policy_epid_owe, policy_epid_run},
    {policy_sgx_take, policy_sgx_owe, policy_sgx_run},
    {policy_nitro_take, policy_nitro_owe, policy_nitro_run},
    {0},
};
