/* A certificate as Gramine makes them: a quote of SGX over its key, and nothing else. */
#ifndef TESTS_UNIT_ATLS_VENDOR_LEAF_H
#define TESTS_UNIT_ATLS_VENDOR_LEAF_H

#include "base/writer.h"
#include "pki/key.h"
#include "tests/dcap_scene.h"
#include "tobichi/verify.h"

/* DER, appended; valid for a day around DCAP_NOW. */
void vendor_leaf_write(struct dcap_scene *scene, EVP_PKEY *key, struct writer *out);
/* One of ra-tls that names its enclave and the scene's root. tobi_policy_free() it. */
struct tobi_policy *vendor_leaf_policy(const struct dcap_scene *scene);

#endif
