#include "tee/dcap_tcb.h"

#include "tests/check.h"

/* SGX components, PCESVN, TDX components. */
static const struct dcap_tcb_level levels[] = {
    {{4, 4, 2}, 11, {5, 0, 7}, {.status = DCAP_UP_TO_DATE}},
    {{4, 3, 3}, 11, {5, 0, 6}, {.status = DCAP_CONFIGURATION_NEEDED}},
    {{3, 3, 2}, 11, {4, 0, 6}, {.status = DCAP_OUT_OF_DATE}},
    {{3, 3, 2}, 5, {3, 0, 6}, {.status = DCAP_REVOKED}},
};
static const struct dcap_svn_level module_levels[] = {
    {5, {.status = DCAP_UP_TO_DATE}},
    {3, {.status = DCAP_OUT_OF_DATE}},
};
static const struct dcap_module modules[] = {
    {.version = 3, .levels = {module_levels, 1}},
    {.version = 1, .levels = {module_levels, 2}},
};
static const struct dcap_tcb_info info = {.tdx = true,
					  .levels = levels,
					  .level_count = 4,
					  .modules = modules,
					  .module_count = 2};

static const char *match_sgx(const uint8_t *components, unsigned pcesvn,
			     struct dcap_match *ret_match)
{
	struct dcap_pck pck = {.pcesvn = (uint16_t)pcesvn};

	memcpy(pck.components, components, 3);
	return dcap_tcb_match(&info, &pck, NULL, ret_match);
}

static void test_dcap_tcb_match__sgx__first_level_reached(void **state)
{
	struct dcap_match match;

	(void)state;
	assert_null(match_sgx((uint8_t[]){9, 9, 9}, 20, &match));
	assert_ptr_equal(match.level, &levels[0]);
	assert_null(match_sgx((uint8_t[]){4, 4, 2}, 11, &match));
	assert_ptr_equal(match.level, &levels[0]);
	/* Each component counts: it is no number of several digits. */
	assert_null(match_sgx((uint8_t[]){9, 3, 3}, 11, &match));
	assert_ptr_equal(match.level, &levels[1]);
	assert_null(match_sgx((uint8_t[]){4, 3, 2}, 11, &match));
	assert_ptr_equal(match.level, &levels[2]);
	/* A PCE that is older alone, */
	assert_null(match_sgx((uint8_t[]){9, 9, 9}, 10, &match));
	assert_ptr_equal(match.level, &levels[3]);
	/* and one that is newer alone. */
	assert_non_null(match_sgx((uint8_t[]){3, 2, 9}, 99, &match));
	assert_null(match.level);
	assert_non_null(match_sgx((uint8_t[]){9, 9, 9}, 4, &match));
}

static const char *match_tdx(const uint8_t *components, const uint8_t svn[static 16],
			     struct dcap_match *ret_match)
{
	struct dcap_pck pck = {.pcesvn = 11};
	struct tdx_report td = {.tee_tcb_svn = {svn, 16}};

	memcpy(pck.components, components, 3);
	return dcap_tcb_match(&info, &pck, &td, ret_match);
}

static void test_dcap_tcb_match__tdx__both_at_one_level(void **state)
{
	struct dcap_match match;

	(void)state;
	/* Before modules had versions all components count. */
	assert_null(match_tdx((uint8_t[]){4, 4, 2}, (uint8_t[16]){5, 0, 7}, &match));
	assert_ptr_equal(match.level, &levels[0]);
	assert_ptr_equal(match.module, &info.module);
	assert_null(match.module_level);
	assert_null(match_tdx((uint8_t[]){4, 4, 2}, (uint8_t[16]){4, 0, 7}, &match));
	assert_ptr_equal(match.level, &levels[2]);
	assert_ptr_equal(match.sgx, &levels[0]);
	/* With a version the first two are the module's own. */
	assert_null(match_tdx((uint8_t[]){4, 4, 2}, (uint8_t[16]){4, 1, 7}, &match));
	assert_ptr_equal(match.level, &levels[0]);
	assert_ptr_equal(match.module, &modules[1]);
	assert_ptr_equal(match.module_level, &module_levels[1]);
	/* The SGX components reach the second level only, TDX all of them. */
	assert_null(match_tdx((uint8_t[]){4, 3, 3}, (uint8_t[16]){5, 1, 7}, &match));
	assert_ptr_equal(match.level, &levels[1]);
	assert_ptr_equal(match.sgx, &levels[1]);
}

static void test_dcap_tcb_match__tdx_none__says_which(void **state)
{
	struct dcap_match match;

	(void)state;
	assert_non_null(
	    strstr(match_tdx((uint8_t[]){4, 4, 2}, (uint8_t[16]){5, 1, 5}, &match),
		   "TDX components"));
	assert_non_null(
	    strstr(match_tdx((uint8_t[]){2, 4, 2}, (uint8_t[16]){5, 1, 7}, &match),
		   "platform's components"));
	assert_non_null(
	    strstr(match_tdx((uint8_t[]){4, 4, 2}, (uint8_t[16]){5, 2, 7}, &match),
		   "no TDX module of this version"));
	assert_non_null(
	    strstr(match_tdx((uint8_t[]){4, 4, 2}, (uint8_t[16]){2, 1, 7}, &match),
		   "the TDX module is below"));
}

static void test_dcap_converge__each_pair__as_the_table_says(void **state)
{
	static const struct {
		enum dcap_status status, part, both;
	} table[] = {
	    {DCAP_UP_TO_DATE, DCAP_UP_TO_DATE, DCAP_UP_TO_DATE},
	    {DCAP_SW_HARDENING_NEEDED, DCAP_UP_TO_DATE, DCAP_SW_HARDENING_NEEDED},
	    {DCAP_OUT_OF_DATE, DCAP_UP_TO_DATE, DCAP_OUT_OF_DATE},
	    {DCAP_UP_TO_DATE, DCAP_OUT_OF_DATE, DCAP_OUT_OF_DATE},
	    {DCAP_SW_HARDENING_NEEDED, DCAP_OUT_OF_DATE, DCAP_OUT_OF_DATE},
	    {DCAP_CONFIGURATION_NEEDED, DCAP_OUT_OF_DATE,
	     DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED},
	    {DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED, DCAP_OUT_OF_DATE,
	     DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED},
	    {DCAP_OUT_OF_DATE, DCAP_OUT_OF_DATE, DCAP_OUT_OF_DATE},
	    {DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED, DCAP_OUT_OF_DATE,
	     DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED},
	    {DCAP_TD_RELAUNCH_ADVISED, DCAP_UP_TO_DATE, DCAP_TD_RELAUNCH_ADVISED},
	    {DCAP_UP_TO_DATE, DCAP_REVOKED, DCAP_REVOKED},
	    {DCAP_OUT_OF_DATE, DCAP_REVOKED, DCAP_REVOKED},
	    {DCAP_REVOKED, DCAP_UP_TO_DATE, DCAP_REVOKED},
	    {DCAP_REVOKED, DCAP_OUT_OF_DATE, DCAP_REVOKED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(dcap_converge(table[i].status, table[i].part),
				 table[i].both);
}

static enum dcap_status relaunch(const uint8_t svn_2[static 16], enum dcap_status status,
				 enum dcap_status qe, const struct dcap_tcb_level *sgx,
				 const struct dcap_svn_level *module_level)
{
	const struct tdx_report td = {.tee_tcb_svn_2 = {svn_2, 16}};
	const struct dcap_match match = {.sgx = sgx,
					 .level = sgx,
					 .running = &modules[1],
					 .module_level = module_level};

	return dcap_relaunch(&info, &td, &match, status, qe);
}

static void test_dcap_relaunch__anything_else_old__not_advised(void **state)
{
	const uint8_t latest[16] = {5, 1, 7}, old[16] = {4, 1, 7};
	const struct dcap_svn_level *good = &module_levels[0], *bad = &module_levels[1];
	const enum dcap_status out = DCAP_OUT_OF_DATE;

	(void)state;
	assert_int_equal(relaunch(latest, out, DCAP_UP_TO_DATE, &levels[0], bad),
			 DCAP_TD_RELAUNCH_ADVISED);
	assert_int_equal(relaunch(latest, out, DCAP_UP_TO_DATE, &levels[1], bad),
			 DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED);
	assert_int_equal(relaunch(latest, out, DCAP_UP_TO_DATE, &levels[2], bad), out);
	assert_int_equal(relaunch(latest, out, DCAP_UP_TO_DATE, &levels[0], good), out);
	assert_int_equal(relaunch(latest, out, DCAP_OUT_OF_DATE, &levels[0], bad), out);
	assert_int_equal(relaunch(old, out, DCAP_UP_TO_DATE, &levels[0], bad), out);
	assert_int_equal(
	    relaunch(latest, DCAP_UP_TO_DATE, DCAP_UP_TO_DATE, &levels[0], bad),
	    DCAP_UP_TO_DATE);
	assert_int_equal(relaunch(latest, DCAP_REVOKED, DCAP_UP_TO_DATE, &levels[0], bad),
			 DCAP_REVOKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dcap_tcb_match__sgx__first_level_reached),
	    cmocka_unit_test(test_dcap_tcb_match__tdx__both_at_one_level),
	    cmocka_unit_test(test_dcap_tcb_match__tdx_none__says_which),
	    cmocka_unit_test(test_dcap_converge__each_pair__as_the_table_says),
	    cmocka_unit_test(test_dcap_relaunch__anything_else_old__not_advised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
