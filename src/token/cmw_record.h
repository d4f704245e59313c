/* What cmw.c and cmw_open.c share. */
#ifndef TOBI_TOKEN_CMW_RECORD_H
#define TOBI_TOKEN_CMW_RECORD_H

#include "codec/cbor.h"
#include "token/cmw.h"

enum {
	MAX_MEDIA_TYPE = 255,
	MAX_CONTENT_FORMAT = 65535,
};

/* A record in CBOR, everything but its key; failure is the decoder's. */
void cmw_read_record(struct cbor *cbor, struct cmw_record *record);

#endif
