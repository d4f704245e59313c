/* Asks a seccomp filter what it does with a call, without making the call. */
#ifndef TESTS_UNIT_ISOLATE_BPF_H
#define TESTS_UNIT_ISOLATE_BPF_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>

#include "tests/check.h"

#ifdef __aarch64__
#define BPF_NATIVE AUDIT_ARCH_AARCH64
#else
#define BPF_NATIVE AUDIT_ARCH_X86_64
#endif

/* The words of struct seccomp_data, and the instructions that libseccomp makes. */
static inline uint32_t bpf_run(const struct sock_filter *filter, size_t count,
			       const struct seccomp_data *data)
{
	uint32_t words[sizeof(*data) / 4], a = 0;
	size_t at = 0;

	memcpy(words, data, sizeof(words));
	while (at < count) {
		const struct sock_filter *i = &filter[at++];
		bool jump = false;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k % 4 == 0 && i->k < sizeof(words));
			a = words[i->k / 4];
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			continue;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			at += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			jump = a == i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			jump = a >= i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			jump = a > i->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			jump = (a & i->k) != 0;
			break;
		default:
			fail_msg("instruction 0x%x is not known", i->code);
		}
		at += jump ? i->jt : i->jf;
	}
	fail_msg("the filter has no end");
	return 0;
}

#endif
