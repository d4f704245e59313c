/* What go-tpm-tools writes on Google's cloud: a message of protobuf with quotes of
 * several banks of a virtual TPM, and the hardware's report that was taken apart.
 * Everything is right until a test changes a thing. */
#ifndef TESTS_GOOGLE_SCENE_H
#define TESTS_GOOGLE_SCENE_H

#include "tests/dcap_collateral.h"
#include "tests/quote_scene.h"
#include "tests/snp_scene.h"

struct google_scene {
	struct quote_scene scene;
	struct snp_scene snp;
	struct dcap_scene td;
	bool with_snp, with_td, other_nonce_of_second, other_hardware_nonce;
	bool twice_the_key, hash_behind, short_value, number_for_bytes;
	bool twice_a_field_of_the_report, long_field_of_the_report;
};

void google_scene_make(struct google_scene *message);
void google_scene_done(struct google_scene *message);
void google_scene_write(struct google_scene *message, struct writer *out);

#endif
