/* What only evidence of NVIDIA's devices says (docs/PROTOCOL.md section 14.13). */
#ifndef TOBI_TEE_NVIDIA_CLAIMS_H
#define TOBI_TEE_NVIDIA_CLAIMS_H

#include <stdbool.h>

#include "tobichi/bytes.h"

enum {
	NVIDIA_DEVICES_MAX = 16, /* eight GPUs and their switches, and room */
	NVIDIA_TEXT_MAX = 32,
	NVIDIA_UEID_SIZE = 8,
	NVIDIA_FWID_SIZE = 48,
};

/* What reference values (RIM) came to, for one firmware of one device. */
enum nvidia_rim_state {
	NVIDIA_RIM_ABSENT,   /* none came */
	NVIDIA_RIM_MATCHED,  /* genuine, of this version, and every value is as listed */
	NVIDIA_RIM_WRONG,    /* a check of its own has failed */
	NVIDIA_RIM_NEEDLESS, /* a switch has no driver of its own */
};

/* Of all certificates of a device and of its reference values together: the worst. */
enum nvidia_answer {
	NVIDIA_ANSWER_GOOD,
	NVIDIA_ANSWER_GRACE, /* good, and past its date within the policy's grace */
	NVIDIA_ANSWER_HOLD,  /* certificateHold */
	NVIDIA_ANSWER_STALE, /* of another time */
	NVIDIA_ANSWER_NONE,
	NVIDIA_ANSWER_FORGED,  /* not signed by who may */
	NVIDIA_ANSWER_REVOKED, /* or not known to who answers */
};

struct nvidia_device {
	bool is_switch;
	bool genuine;		      /* its certificates were read */
	char chip[NVIDIA_TEXT_MAX];   /* of its certificate: "GH100" */
	char driver[NVIDIA_TEXT_MAX]; /* "" where the report has none */
	char vbios[NVIDIA_TEXT_MAX];
	char project[NVIDIA_TEXT_MAX], project_sku[NVIDIA_TEXT_MAX];
	char chip_sku[NVIDIA_TEXT_MAX];
	uint32_t board; /* 0 where the report has none */
	uint8_t ueid[NVIDIA_UEID_SIZE];
	uint8_t fwid[NVIDIA_FWID_SIZE]; /* of its certificate */
	uint8_t nvdec, protected_pcie;	/* enum of spdm_report.h, 0: not said */
	enum nvidia_rim_state driver_rim, vbios_rim;
	enum nvidia_answer answer; /* the worst of all certificates */
	const char *answer_of;	   /* the certificate that it is about, and why */
	bool held;		   /* a certificate is on hold */
};

/* In the arena. */
struct nvidia_claims {
	struct nvidia_device *devices; /* NVIDIA_DEVICES_MAX at most */
	size_t count;
	bool beside; /* a CPU's evidence: it came with it */
};

/* "HOPPER", "BLACKWELL", "LS10", or "" for a chip that is not known here. */
const char *nvidia_architecture(const char *chip);

#endif
