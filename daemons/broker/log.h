/*
 * The broker's own log: one JSON object a line, to standard error. Whatever came from
 * outside is escaped; a secret, a header's value, a query and a body are never given to
 * it.
 *
 * Threads: any; a line is written by one call.
 */
#ifndef TOBI_DAEMONS_BROKER_LOG_H
#define TOBI_DAEMONS_BROKER_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "tobichi/error.h"

enum { LOG_LINE = 2048, LOG_TEXT = 320 };

struct log_line {
	char text[LOG_LINE];
	size_t used;
};

/* level: "info", "warning", "error"; event: a word. Literals, both. */
void log_start(struct log_line *line, const char *level, const char *event);
/* Cut after LOG_TEXT bytes; NULL is left out. */
void log_text(struct log_line *line, const char *name, const char *text);
void log_number(struct log_line *line, const char *name, int64_t number);
void log_end(struct log_line *line);

/* A line of an event with a text, or with a fault. */
void log_event(const char *level, const char *event, const char *name, const char *text);
void log_fault(const char *event, const struct tobi_fault *fault);

/* So that who floods the broker does not fill its disk: at most some lines a second of
 * one sort; how many were left out is told by the next one. */
struct log_pace {
	int64_t second;
	unsigned lines;
	uint64_t left_out;
};
bool log_may(struct log_pace *pace, int64_t now);
/* Since a line told it last: for a line that does. */
uint64_t log_left_out(struct log_pace *pace);

#endif
