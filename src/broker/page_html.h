/*
 * Writing the pages of the broker. Markup is a literal of ours, and nothing else is:
 * whatever comes from a variable goes through a function that escapes it, in an element's
 * text and in a quoted attribute alike.
 */
#ifndef TOBI_BROKER_PAGE_HTML_H
#define TOBI_BROKER_PAGE_HTML_H

#include "base/writer.h"

/* Only for a literal: another thing does not compile. */
#define page_put(out, literal) wr_bytes(out, "" literal "", sizeof(literal) - 1)

/* < > & " ' become references. What is no text (broken UTF-8, control characters) is
 * shown as \xNN, and what nobody sees or what turns the direction of writing as \u{NNNN}:
 * so a name cannot look like another one. */
void page_text(struct writer *out, struct tobi_bytes text);
void page_line(struct writer *out, const char *text);
/* The same with its line ends and tabs. */
void page_lines(struct writer *out, struct tobi_bytes text);
void page_number(struct writer *out, uint64_t number);
/* <time>: seconds since 1970, in UTC. */
void page_time(struct writer *out, int64_t time);
/* <code> with hexadecimal digits, that may be broken into lines. */
void page_hash(struct writer *out, struct tobi_bytes hash);
/* A value within a quoted URL: all but letters, digits, and - . _ ~ as %NN. */
void page_url(struct writer *out, struct tobi_bytes value);

#endif
