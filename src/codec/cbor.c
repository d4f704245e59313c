#include "codec/cbor.h"

#include "base/limits.h"
#include "base/secret.h"
#include "base/utf8.h"

enum major {
	MAJOR_UINT,
	MAJOR_NEGATIVE,
	MAJOR_BYTES,
	MAJOR_TEXT,
	MAJOR_ARRAY,
	MAJOR_MAP,
	MAJOR_TAG,
	MAJOR_SIMPLE,
};

/* A map of indefinite length, and what ends it. */
enum { OPEN_MAP = 0xbf, BREAK = 0xff };

enum { SIMPLE_FALSE = 20, SIMPLE_TRUE = 21, SIMPLE_NULL = 22 };

struct head {
	unsigned major;
	unsigned info; /* the low five bits */
	uint64_t value;
};

struct cbor cbor_init(struct tobi_bytes bytes, enum cbor_rules rules)
{
	return (struct cbor){
	    .rd = rd_init(bytes), .rules = rules, .depth = LIMIT_CBOR_DEPTH};
}

/* Text that may be skipped: where lines are allowed, the end of one is passed over. */
static bool is_text(const struct cbor *cbor, struct tobi_bytes text)
{
	while (cbor->lines && text.size) {
		size_t size = 0;

		while (size < text.size && text.ptr[size] != '\n' &&
		       text.ptr[size] != '\r')
			size++;
		if (size == text.size)
			break;
		if (!utf8_is_text((struct tobi_bytes){text.ptr, size}))
			return false;
		text = (struct tobi_bytes){text.ptr + size + 1, text.size - size - 1};
	}
	return utf8_is_text(text);
}

void cbor_fail(struct cbor *cbor, enum tobi_err err, const char *field)
{
	rd_fail(&cbor->rd, err, field);
}

bool cbor_failed(const struct cbor *cbor)
{
	return rd_failed(&cbor->rd);
}

enum cbor_kind cbor_peek(const struct cbor *cbor)
{
	static const enum cbor_kind kinds[] = {CBOR_UINT, CBOR_NEGATIVE, CBOR_BYTES,
					       CBOR_TEXT, CBOR_ARRAY,	 CBOR_MAP,
					       CBOR_TAG};
	struct reader rd = cbor->rd;
	uint8_t first;

	if (rd_left(&rd) == 0)
		return CBOR_END;
	first = rd_u8(&rd, "");
	if (first >> 5 != MAJOR_SIMPLE)
		return kinds[first >> 5];
	if ((first & 31) == SIMPLE_FALSE || (first & 31) == SIMPLE_TRUE)
		return CBOR_BOOL;
	return (first & 31) == SIMPLE_NULL ? CBOR_NULL : CBOR_OTHER;
}

/* Fails at the position of the head, not behind it. */
static void fail_at_head(struct cbor *cbor, size_t start, enum tobi_err err,
			 const char *field)
{
	if (!cbor_failed(cbor))
		cbor->rd.pos = start;
	rd_fail(&cbor->rd, err, field);
}

/* RFC 8949 §4.1: the shortest form only; §3.2: no indefinite lengths; no floats. */
static struct head read_head(struct cbor *cbor, const char *field)
{
	size_t start = cbor->rd.pos;
	uint8_t first = rd_u8(&cbor->rd, field);
	struct head head = {first >> 5, first & 31u, first & 31u};
	uint64_t least = 0;

	if (head.info < 24)
		return head;
	switch (head.info) {
	case 24:
		head.value = rd_u8(&cbor->rd, field);
		least = 24;
		break;
	case 25:
		head.value = rd_u16be(&cbor->rd, field);
		least = 0x100;
		break;
	case 26:
		head.value = rd_u32be(&cbor->rd, field);
		least = 0x10000;
		break;
	case 27:
		head.value = rd_u64be(&cbor->rd, field);
		least = UINT64_C(0x100000000);
		break;
	default: /* 28-30 are reserved, 31 is an indefinite length */
		fail_at_head(cbor, start, TOBI_E_MALFORMED, field);
		return head;
	}
	/* With an argument of its own, major 7 holds floats and simple values over 31. */
	if (head.value < least || head.major == MAJOR_SIMPLE)
		fail_at_head(cbor, start, TOBI_E_MALFORMED, field);
	return head;
}

/* The argument of a head of that type; zero after failure. */
static uint64_t read_typed(struct cbor *cbor, enum major major, const char *field)
{
	size_t start = cbor->rd.pos;
	struct head head = read_head(cbor, field);

	if (!cbor_failed(cbor) && head.major != major)
		fail_at_head(cbor, start, TOBI_E_MALFORMED, field);
	return cbor_failed(cbor) ? 0 : head.value;
}

uint64_t cbor_uint(struct cbor *cbor, const char *field)
{
	return read_typed(cbor, MAJOR_UINT, field);
}

uint64_t cbor_uint_max(struct cbor *cbor, uint64_t max, const char *field)
{
	size_t start = cbor->rd.pos;
	uint64_t value = cbor_uint(cbor, field);

	if (value > max)
		fail_at_head(cbor, start, TOBI_E_LIMIT, field);
	return cbor_failed(cbor) ? 0 : value;
}

int64_t cbor_int(struct cbor *cbor, const char *field)
{
	size_t start = cbor->rd.pos;
	struct head head = read_head(cbor, field);

	if (cbor_failed(cbor))
		return 0;
	if (head.major > MAJOR_NEGATIVE)
		fail_at_head(cbor, start, TOBI_E_MALFORMED, field);
	else if (head.value > INT64_MAX)
		fail_at_head(cbor, start, TOBI_E_LIMIT, field);
	if (cbor_failed(cbor))
		return 0;
	return head.major == MAJOR_UINT ? (int64_t)head.value : -1 - (int64_t)head.value;
}

static uint64_t read_simple(struct cbor *cbor, uint64_t low, uint64_t high,
			    const char *field)
{
	size_t start = cbor->rd.pos;
	uint64_t value = read_typed(cbor, MAJOR_SIMPLE, field);

	if (!cbor_failed(cbor) && (value < low || value > high))
		fail_at_head(cbor, start, TOBI_E_MALFORMED, field);
	return cbor_failed(cbor) ? 0 : value;
}

bool cbor_bool(struct cbor *cbor, const char *field)
{
	return read_simple(cbor, SIMPLE_FALSE, SIMPLE_TRUE, field) == SIMPLE_TRUE;
}

void cbor_null(struct cbor *cbor, const char *field)
{
	read_simple(cbor, SIMPLE_NULL, SIMPLE_NULL, field);
}

uint64_t cbor_tag(struct cbor *cbor, const char *field)
{
	return read_typed(cbor, MAJOR_TAG, field);
}

static struct tobi_bytes read_string(struct cbor *cbor, enum major major, size_t max,
				     const char *field)
{
	size_t start = cbor->rd.pos;
	uint64_t size = read_typed(cbor, major, field);

	if (size > max)
		fail_at_head(cbor, start, TOBI_E_LIMIT, field);
	return rd_bytes(&cbor->rd, (size_t)size, field);
}

struct tobi_bytes cbor_bytes(struct cbor *cbor, size_t max, const char *field)
{
	return read_string(cbor, MAJOR_BYTES, max, field);
}

struct tobi_bytes cbor_bytes_exact(struct cbor *cbor, size_t size, const char *field)
{
	size_t start = cbor->rd.pos;
	struct tobi_bytes bytes = read_string(cbor, MAJOR_BYTES, SIZE_MAX, field);

	if (!cbor_failed(cbor) && bytes.size != size)
		fail_at_head(cbor, start, TOBI_E_MALFORMED, field);
	return cbor_failed(cbor) ? (struct tobi_bytes){0} : bytes;
}

struct tobi_bytes cbor_text(struct cbor *cbor, size_t max, const char *field)
{
	size_t start = cbor->rd.pos;
	struct tobi_bytes text = read_string(cbor, MAJOR_TEXT, max, field);

	if (!cbor_failed(cbor) && !utf8_is_text(text))
		fail_at_head(cbor, start, TOBI_E_MALFORMED, field);
	return cbor_failed(cbor) ? (struct tobi_bytes){0} : text;
}

struct tobi_bytes cbor_text_lines(struct cbor *cbor, size_t max, const char *field)
{
	size_t start = cbor->rd.pos;
	struct cbor lenient = {.lines = true};
	struct tobi_bytes text = read_string(cbor, MAJOR_TEXT, max, field);

	if (!cbor_failed(cbor) && !is_text(&lenient, text))
		fail_at_head(cbor, start, TOBI_E_MALFORMED, field);
	return cbor_failed(cbor) ? (struct tobi_bytes){0} : text;
}

size_t cbor_array(struct cbor *cbor, size_t max, const char *field)
{
	size_t start = cbor->rd.pos;
	uint64_t count = read_typed(cbor, MAJOR_ARRAY, field);

	if (count > max)
		fail_at_head(cbor, start, TOBI_E_LIMIT, field);
	return rd_count(&cbor->rd, count, 1, field);
}

/* Items still to come at each open level. */
struct walk {
	uint64_t left[LIMIT_CBOR_DEPTH_MOST + 1];
	size_t depth;
};

/* Closes the levels that are complete; false when nothing is left. */
static bool walk_next(struct walk *walk)
{
	while (walk->left[walk->depth] == 0 && walk->depth > 0)
		walk->depth--;
	if (walk->left[walk->depth] == 0)
		return false;
	walk->left[walk->depth]--;
	return true;
}

/* Reads one item's head, and its content when it is a string; opens a level otherwise. */
static struct head walk_item(struct cbor *cbor, struct walk *walk, const char *field)
{
	size_t start = cbor->rd.pos;
	struct head head = read_head(cbor, field);
	struct tobi_bytes bytes;
	uint64_t count = 1;

	if (cbor_failed(cbor) || head.major < MAJOR_BYTES)
		return head;
	if (head.major == MAJOR_SIMPLE) {
		if (head.value < SIMPLE_FALSE || head.value > SIMPLE_NULL)
			fail_at_head(cbor, start, TOBI_E_MALFORMED, field);
		return head;
	}
	if (head.major <= MAJOR_TEXT) {
		bytes = rd_bytes(&cbor->rd, (size_t)head.value, field);
		if (head.major == MAJOR_TEXT && !is_text(cbor, bytes))
			fail_at_head(cbor, start, TOBI_E_MALFORMED, field);
		return head;
	}
	if (walk->depth == cbor->depth)
		fail_at_head(cbor, start, TOBI_E_LIMIT, field);
	if (head.major == MAJOR_ARRAY)
		count = rd_count(&cbor->rd, head.value, 1, field);
	else if (head.major == MAJOR_MAP)
		count = rd_count(&cbor->rd, head.value, 2, field) * 2;
	if (!cbor_failed(cbor))
		walk->left[++walk->depth] = count;
	return head;
}

/* One whole item, without a look at the order of map keys. */
static void skip_shape(struct cbor *cbor, const char *field)
{
	struct walk walk = {.left = {1}};

	while (!cbor_failed(cbor) && walk_next(&walk))
		walk_item(cbor, &walk, field);
}

static struct tobi_bytes read_key(struct cbor *cbor, const char *field)
{
	size_t start = cbor->rd.pos;

	/* The end of the input is left to the walk below, which calls it truncated. */
	if (cbor_peek(cbor) > CBOR_TEXT)
		fail_at_head(cbor, start, TOBI_E_MALFORMED, field);
	skip_shape(cbor, field);
	if (cbor_failed(cbor))
		return (struct tobi_bytes){0};
	return (struct tobi_bytes){cbor->rd.start + start, cbor->rd.pos - start};
}

/* The most keys of a map whose order is free: each is compared with each. */
enum { MAX_UNSORTED = 64 };

/* Checks the keys of a map with that many entries, which start here. Fails in cbor. */
static void check_keys(struct cbor *cbor, size_t count, const char *field)
{
	struct tobi_bytes keys[MAX_UNSORTED];
	struct cbor scan = *cbor;

	if (cbor->rules == CBOR_PREFERRED && count > MAX_UNSORTED) {
		cbor_fail(cbor, TOBI_E_LIMIT, field);
		return;
	}
	for (size_t i = 0; i < count && !cbor_failed(&scan); i++) {
		struct tobi_bytes *key = &keys[cbor->rules == CBOR_PREFERRED ? i : i % 2];
		size_t start = scan.rd.pos;

		*key = read_key(&scan, field);
		if (cbor->rules == CBOR_PREFERRED) {
			for (size_t j = 0; j < i; j++) {
				if (bytes_equal(keys[j], *key))
					fail_at_head(&scan, start, TOBI_E_MALFORMED,
						     field);
			}
		} else if (i > 0 && bytes_compare(keys[(i + 1) % 2], *key) >= 0) {
			fail_at_head(&scan, start, TOBI_E_MALFORMED, field);
		}
		skip_shape(&scan, field);
	}
	if (cbor_failed(&scan))
		*cbor = scan;
}

struct tobi_bytes cbor_skip(struct cbor *cbor, const char *field)
{
	size_t start = cbor->rd.pos;
	struct walk walk = {.left = {1}};

	while (!cbor_failed(cbor) && walk_next(&walk)) {
		struct head head = walk_item(cbor, &walk, field);

		if (!cbor_failed(cbor) && head.major == MAJOR_MAP)
			check_keys(cbor, (size_t)head.value, field);
	}
	if (cbor_failed(cbor))
		return (struct tobi_bytes){0};
	return (struct tobi_bytes){cbor->rd.start + start, cbor->rd.pos - start};
}

struct cbor_map cbor_map(struct cbor *cbor, size_t max, const char *field)
{
	size_t start = cbor->rd.pos;
	uint64_t count = read_typed(cbor, MAJOR_MAP, field);
	struct cbor_map map = {0};

	if (count > max)
		fail_at_head(cbor, start, TOBI_E_LIMIT, field);
	map.left = rd_count(&cbor->rd, count, 2, field);
	if (cbor->rules == CBOR_PREFERRED)
		check_keys(cbor, map.left, field);
	return map;
}

static bool at_break(const struct cbor *cbor)
{
	return rd_left(&cbor->rd) > 0 && cbor->rd.start[cbor->rd.pos] == BREAK;
}

/* The entries up to the break; an odd item is the map's failure, at the break. */
static size_t count_entries(const struct cbor *cbor, size_t max, const char *field,
			    struct cbor *ret_scan)
{
	struct cbor scan = *cbor;
	size_t count = 0;

	for (; !cbor_failed(&scan) && !at_break(&scan); count++) {
		if (count == max)
			cbor_fail(&scan, TOBI_E_LIMIT, field);
		read_key(&scan, field);
		skip_shape(&scan, field);
	}
	*ret_scan = scan;
	return count;
}

struct cbor_map cbor_map_any(struct cbor *cbor, size_t max, const char *field)
{
	struct cbor_map map = {.open = true};
	struct cbor scan;

	if (rd_left(&cbor->rd) == 0 || cbor->rd.start[cbor->rd.pos] != OPEN_MAP)
		return cbor_map(cbor, max, field);
	rd_u8(&cbor->rd, field);
	map.left = count_entries(cbor, max, field, &scan);
	if (cbor_failed(&scan)) {
		*cbor = scan;
		return (struct cbor_map){0};
	}
	if (cbor->rules == CBOR_PREFERRED)
		check_keys(cbor, map.left, field);
	return map;
}

/* Starts the next entry; false at the end. Checks the order against the last key. */
static bool next_key(struct cbor *cbor, struct cbor_map *map, const char *field)
{
	size_t start = cbor->rd.pos;
	struct cbor scan = *cbor;
	struct tobi_bytes key, last = {0};

	if (!cbor_failed(cbor) && map->left == 0 && map->open) {
		map->open = false;
		rd_u8(&cbor->rd, field);
	}
	if (cbor_failed(cbor) || map->left == 0)
		return false;
	map->left--;
	key = read_key(&scan, field);
	if (cbor_failed(&scan)) {
		*cbor = scan;
		return false;
	}
	if (map->last_size)
		last = (struct tobi_bytes){cbor->rd.start + map->last, map->last_size};
	if (cbor->rules == CBOR_DETERMINISTIC && bytes_compare(last, key) >= 0) {
		cbor_fail(cbor, TOBI_E_MALFORMED, field);
		return false;
	}
	map->last = start;
	map->last_size = key.size;
	return true;
}

bool cbor_map_int(struct cbor *cbor, struct cbor_map *map, int64_t *ret_key,
		  const char *field)
{
	int64_t key;

	if (!next_key(cbor, map, field))
		return false;
	key = cbor_int(cbor, field);
	if (cbor_failed(cbor))
		return false;
	*ret_key = key;
	return true;
}

bool cbor_map_text(struct cbor *cbor, struct cbor_map *map, struct tobi_bytes *ret_key,
		   const char *field)
{
	struct tobi_bytes key;

	if (!next_key(cbor, map, field))
		return false;
	key = cbor_text(cbor, SIZE_MAX, field);
	if (cbor_failed(cbor))
		return false;
	*ret_key = key;
	return true;
}

void cbor_require(struct cbor *cbor, bool present, const char *field)
{
	if (!present)
		cbor_fail(cbor, TOBI_E_MALFORMED, field);
}

bool cbor_map_expect(struct cbor *cbor, struct cbor_map *map, int64_t key,
		     const char *field)
{
	int64_t found = -1;

	cbor_require(cbor, cbor_map_int(cbor, map, &found, field) && found == key, field);
	return !cbor_failed(cbor);
}

enum tobi_err cbor_finish(struct cbor *cbor, const char *object, struct tobi_fault *fault)
{
	return rd_finish(&cbor->rd, object, fault);
}

enum tobi_err cbor_status(const struct cbor *cbor, const char *object,
			  struct tobi_fault *fault)
{
	return rd_status(&cbor->rd, object, fault);
}
