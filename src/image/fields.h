/*
 * Reading CBOR with rules: as the decoder it is sticky, and a value that breaks a rule
 * is refused with a sentence and with the offset at which that value starts.
 */
#ifndef TOBI_IMAGE_FIELDS_H
#define TOBI_IMAGE_FIELDS_H

#include "codec/cbor.h"
#include "image/manifest.h"

struct fields {
	struct cbor cbor;
	size_t start;	 /* offset of the value being read */
	const char *why; /* what rule was broken, or NULL */
	const char *field;
	enum tobi_err err;
};

typedef bool fields_rule(struct tobi_bytes text);

struct fields fields_init(struct tobi_bytes bytes);
/* Records that the value at start breaks a rule; no-op after an earlier failure. */
void fields_refuse(struct fields *in, enum tobi_err err, const char *field,
		   const char *why);
bool fields_failed(const struct fields *in);
enum tobi_err fields_finish(struct fields *in, const char *object,
			    struct tobi_fault *fault);

/* The next key of the map must be this one; field names its value. */
void fields_key(struct fields *in, struct cbor_map *map, int64_t key, const char *field);
/* No further key. */
void fields_map_end(struct fields *in, struct cbor_map *map, const char *field);

uint64_t fields_uint(struct fields *in, uint64_t min, uint64_t max, const char *field);
/* Text of 1 to max bytes that keeps the rule (NULL: any); why says what the rule is. */
struct tobi_bytes fields_text(struct fields *in, size_t max, fields_rule *rule,
			      const char *field, const char *why);
/* An array of min to max such texts; ascending asks for strictly rising ones. */
struct fields_list {
	size_t min, max, max_text;
	fields_rule *rule;
	bool ascending;
	const char *field, *why;
};
size_t fields_texts(struct fields *in, const struct fields_list *list,
		    struct tobi_bytes *ret_items);
/* Arguments and environment: the same in manifest and launch config. */
size_t fields_arguments(struct fields *in, struct tobi_bytes *ret_items);
size_t fields_environment(struct fields *in, size_t min, struct text_pair *ret_pairs);

void fields_write_texts(struct writer *out, const struct tobi_bytes *items, size_t count);
void fields_write_environment(struct writer *out, const struct text_pair *pairs,
			      size_t count);

#endif
