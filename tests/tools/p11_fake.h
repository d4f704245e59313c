/*
 * What a test can make of the fake PKCS#11 module (p11_fake.c): dlsym("p11_fake") gives a
 * function that returns the one state of the process.
 */
#ifndef TESTS_TOOLS_P11_FAKE_H
#define TESTS_TOOLS_P11_FAKE_H

#define CRYPTOKI_GNU 1
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>

enum { FAKE_TOKENS = 3, FAKE_SLOTS = 1000 };

enum fake_call {
	FAKE_NONE,
	FAKE_FUNCTION_LIST,
	FAKE_INITIALIZE,
	FAKE_SLOT_LIST,
	FAKE_TOKEN_INFO,
	FAKE_OPEN_SESSION,
	FAKE_LOGIN,
	FAKE_GENERATE_PAIR,
	FAKE_GENERATE,
	FAKE_CREATE,
	FAKE_FIND_INIT,
	FAKE_FIND,
	FAKE_GET_ATTRIBUTE,
	FAKE_SIGN_INIT,
	FAKE_SIGN,
	FAKE_CALLS,
};

struct p11_fake {
	struct {
		const char *label, *serial;
		bool absent;
	} tokens[FAKE_TOKENS];
	size_t token_count, slot_count; /* slots beyond the tokens have none */
	const char *pin;
	ck_flags_t flags;	/* of the token, beside the usual */
	ck_flags_t after_wrong; /* and those after a wrong PIN */
	/* These calls are answered with the status, the next so many times. */
	enum fake_call fail;
	ck_rv_t fail_status;
	unsigned fail_times;
	unsigned calls[FAKE_CALLS]; /* how often each was made */

	bool lose_session; /* once: what is open is forgotten */
	bool old;	   /* a function is missing */
	bool no_p256, no_hmac;
	bool other_key;	      /* signs with a key of its own */
	bool wrong_hmac;      /* an HMAC of 31 bytes */
	bool short_signature; /* one byte less than it should have */
	bool huge_size;	      /* speaks of more bytes than there is room for */
	bool huge_count;      /* of more slots than it was given room for */
	bool bare_point;      /* CKA_EC_POINT without the octet string around it */
	bool bad_point;	      /* not on the curve */
	bool odd_curve;	      /* CKA_EC_PARAMS of another one */
	bool short_point;     /* one byte less than it should have */
	bool hides;	      /* objects of the class below are not found */
	ck_object_class_t hidden_class;
	bool gives_values;	    /* CKA_VALUE although it is sensitive */
	bool twice;		    /* finds each object twice */
	ck_attribute_type_t broken; /* this attribute of a key has the opposite value */
	ck_object_class_t broken_class;
	bool keeps;	   /* does not remove objects */
	bool wrong_import; /* takes another value than it is given */
	size_t objects;	   /* how many there are */
};

struct p11_fake *p11_fake(void);

#endif
