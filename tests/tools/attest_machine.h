/* What the machines that attest_machine.c plays have in common. */
#ifndef TESTS_TOOLS_ATTEST_MACHINE_H
#define TESTS_TOOLS_ATTEST_MACHINE_H

#include "tests/attest_stand_in.h"

/* A file in the tests' folder. */
void machine_put(const char *name, struct tobi_bytes bytes);
/* The time at which `tobichi verify` is to look. */
void machine_put_time(int64_t seconds);

/* A realm of Arm CCA; a guest of TDX, by configfs-tsm or /dev/tdx_guest. */
void machine_cca(struct stand_in *machine);
void machine_tdx(struct stand_in *machine);
/* An enclave of SGX, under Gramine. */
void machine_sgx(struct stand_in *machine);

#endif
