/* Event logs, written for tests. */
#ifndef TESTS_EVENT_LOG_H
#define TESTS_EVENT_LOG_H

#include "base/writer.h"
#include "tee/event_log.h"

/* The first event, which names SHA-384 and, if asked, SHA-256 before it. */
void test_log_start(struct writer *out, bool sha256);
/* An event whose digest is its data's, of each bank. */
void test_log_event(struct writer *out, bool sha256, uint32_t index, uint32_t type,
		    struct tobi_bytes data);
/* The same with a SHA-384 digest of the caller's. */
void test_log_digest(struct writer *out, uint32_t index, uint32_t type,
		     const uint8_t digest[static 48], struct tobi_bytes data);
/* reg = SHA-384(reg, digest). */
void test_log_extend(uint8_t reg[static 48], const uint8_t digest[static 48]);
/* A table that tells of a log of that size; its sum is right. */
void test_log_table(uint8_t table[static CCEL_TABLE_SIZE], uint8_t type,
		    uint64_t log_size);

#endif
