#include "tests/check.h"

#include "atls/message.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tests/unit/atls/vectors.h"

static struct tobi_bytes item_of(const char *hex, uint8_t *room, size_t size)
{
	size_t got = vector_read(hex, room, size);

	return (struct tobi_bytes){room + ATLS_FRAME_HEADER, got - ATLS_FRAME_HEADER};
}

static void check_hello__vectors(void **state)
{
	const char *const frames[] = {VECTOR_OFFER, VECTOR_ANSWER};
	uint8_t room[256];

	(void)state;
	for (int i = 0; i < 2; i++) {
		CLEANUP(wr_done) struct writer out = wr_init(1024);
		enum atls_type type = i ? ATLS_ANSWER : ATLS_OFFER;
		struct tobi_bytes item = item_of(frames[i], room, sizeof(room));
		struct atls_hello hello;
		char text[512];

		assert_int_equal(atls_read_hello(item, type, &hello, NULL), 0);
		assert_int_equal(hello.version, 1);
		assert_true(hello.peer_must_attest && hello.can_attest);
		assert_int_equal(hello.type_count, i ? 1 : 2);
		assert_true(bytes_equal_text(hello.protocols[0], "http/1.1"));
		atls_write_hello(&out, &hello);
		hex_write(wr_view(&out), text, sizeof(text));
		assert_string_equal(text, frames[i]);
	}
}

static enum tobi_err read_any(struct tobi_bytes item, enum atls_type type,
			      struct tobi_fault *fault)
{
	struct atls_hello hello;
	struct atls_evidence evidence;
	struct atls_result result;
	enum atls_type found;
	enum tobi_err err = atls_read_type(item, &found, fault);

	if (err)
		return err;
	if (found != type)
		return TOBI_E_PROTOCOL;
	if (type == ATLS_EVIDENCE)
		return atls_read_evidence(item, &evidence, fault);
	if (type == ATLS_RESULT)
		return atls_read_result(item, &result, fault);
	return atls_read_hello(item, type, &hello, fault);
}

static struct writer sample(enum atls_type type)
{
	static const uint8_t bytes[40] = {1, 2, 3};
	struct writer out = wr_init(4096);
	struct atls_hello hello = {.type = type,
				   .version = 1,
				   .nonce = {bytes, 32},
				   .peer_must_attest = true,
				   .types = {{(const uint8_t *)"eat", 3}},
				   .type_count = 1,
				   .protocols = {{(const uint8_t *)"p", 1}},
				   .protocol_count = 1};

	if (type == ATLS_EVIDENCE)
		atls_write_evidence(&out,
				    &(struct atls_evidence){{bytes, 8}, {bytes, 40}});
	else if (type == ATLS_RESULT)
		atls_write_result(&out, &(struct atls_result){ATLS_REFUSE,
							      {bytes, 32},
							      ATLS_BINDING_MISMATCH});
	else
		atls_write_hello(&out, &hello);
	assert_int_equal(wr_err(&out), 0);
	return out;
}

/* Every truncation, a byte too many, and no flipped bit that gives the same message. */
static void check_all__hostile(void **state)
{
	(void)state;
	for (enum atls_type type = ATLS_OFFER; type <= ATLS_RESULT; type++) {
		CLEANUP(wr_done) struct writer frame = sample(type);
		CLEANUP(wr_done) struct writer longer = wr_init(8192);
		struct tobi_bytes item = {frame.ptr + 4, frame.size - 4};
		struct tobi_fault fault;

		assert_int_equal(read_any(item, type, &fault), 0);
		for (size_t size = 0; size < item.size; size++) {
			uint8_t *exact = malloc(size ? size : 1);

			bytes_copy(exact, size, item.ptr, size);
			memset(&fault, 0, sizeof(fault));
			assert_int_not_equal(
			    read_any((struct tobi_bytes){exact, size}, type, &fault), 0);
			assert_true(fault.object[0] && fault.field[0]);
			free(exact);
		}
		wr_bytes(&longer, item.ptr, item.size);
		wr_u8(&longer, 0);
		assert_int_equal(read_any(wr_view(&longer), type, &fault),
				 TOBI_E_TRAILING);
		assert_true(fault.has_offset && fault.offset == item.size);
	}
}

#define HASH                                                                             \
	"5820"                                                                           \
	"0101010101010101010101010101010101010101010101010101010101010101"

/* Both hellos, of which only the number differs; then what is bad about them. */
static const struct {
	const char *what, *hex; /* behind the map's head and the type */
	uint8_t head;
	enum tobi_err err;
} hellos[] = {
    {"good",
     "01010"
     "2" HASH "030004000580",
     0xa6, TOBI_OK},
    {"unknown key",
     "01010"
     "2" HASH "0300040005800700",
     0xa7, TOBI_E_MALFORMED},
    {"unknown negative key",
     "01010"
     "2" HASH "0300040005802000",
     0xa7, TOBI_E_MALFORMED},
    {"duplicate key",
     "01010"
     "2" HASH "03000300040005"
     "80",
     0xa7, TOBI_E_MALFORMED},
    {"unsorted keys",
     "01010"
     "2" HASH "040003000580",
     0xa6, TOBI_E_MALFORMED},
    {"long integer",
     "0118010"
     "2" HASH "030004000580",
     0xa6, TOBI_E_MALFORMED},
    {"long key",
     "1801010"
     "2" HASH "030004000580",
     0xa6, TOBI_E_MALFORMED},
    {"long size",
     "010102590020"
     "0101010101010101010101010101010101010101010101010101010101010101"
     "030004000580",
     0xa6, TOBI_E_MALFORMED},
    {"indefinite list",
     "01010"
     "2" HASH "03000400059fff",
     0xa6, TOBI_E_MALFORMED},
    {"indefinite map",
     "01010"
     "2" HASH "030004000580ff",
     0xbf, TOBI_E_MALFORMED},
    {"a nonce of 31 bytes",
     "0101025"
     "81f01010101010101010101010101010101010101010101010101010101010101"
     "030004000580",
     0xa6, TOBI_E_MALFORMED},
    {"a tagged number",
     "01c1010"
     "2" HASH "030004000580",
     0xa6, TOBI_E_MALFORMED},
};

static void check_hello__bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(hellos) / sizeof(hellos[0]); i++) {
		enum atls_type type = i % 2 ? ATLS_ANSWER : ATLS_OFFER;
		struct tobi_fault fault = {0};
		uint8_t room[512] = {hellos[i / 2].head, 0, (uint8_t)type};
		size_t size = vector_read(hellos[i / 2].hex, room + 3, sizeof(room) - 3);
		enum tobi_err err =
		    read_any((struct tobi_bytes){room, size + 3}, type, &fault);

		if (err != hellos[i / 2].err)
			fail_msg("%s: %s instead of %s (%s)", hellos[i / 2].what,
				 tobi_err_name(err), tobi_err_name(hellos[i / 2].err),
				 fault.message);
	}
}

struct bad {
	const char *what, *hex;
	enum atls_type type;
	enum tobi_err err;
};

static const struct bad bads[] = {
    {"good",
     "a3000401000"
     "2" HASH,
     ATLS_RESULT, TOBI_OK},
    {"unknown key",
     "a4000401010"
     "2" HASH "0401",
     ATLS_RESULT, TOBI_E_MALFORMED},
    {"duplicate key",
     "a40004010101010"
     "2" HASH,
     ATLS_RESULT, TOBI_E_MALFORMED},
    {"unsorted keys",
     "a300040"
     "2" HASH "0100",
     ATLS_RESULT, TOBI_E_MALFORMED},
    {"type not first",
     "a301000004"
     "02" HASH,
     ATLS_RESULT, TOBI_E_MALFORMED},
    {"long integer",
     "a30004011800"
     "02" HASH,
     ATLS_RESULT, TOBI_E_MALFORMED},
    {"indefinite map", "bf0004010002" HASH "ff", ATLS_RESULT, TOBI_E_MALFORMED},
    {"missing hash", "a200040100", ATLS_RESULT, TOBI_E_MALFORMED},
    {"short hash", "a300040100024101", ATLS_RESULT, TOBI_E_MALFORMED},
    {"status 3",
     "a300040103"
     "02" HASH,
     ATLS_RESULT, TOBI_E_LIMIT},
    {"accept with reason",
     "a400040100"
     "02" HASH "0305",
     ATLS_RESULT, TOBI_E_MALFORMED},
    {"refuse with a reason",
     "a400040101"
     "02" HASH "0305",
     ATLS_RESULT, TOBI_OK},
    {"refuse with reason 0",
     "a400040101"
     "02" HASH "0300",
     ATLS_RESULT, TOBI_E_MALFORMED},
    {"text key", "a3613004010002" HASH, ATLS_RESULT, TOBI_E_MALFORMED},
    {"type 0",
     "a100"
     "00",
     ATLS_RESULT, TOBI_E_UNSUPPORTED},
    {"type 5", "a10005", ATLS_RESULT, TOBI_E_UNSUPPORTED},
    {"an array", "8104", ATLS_RESULT, TOBI_E_MALFORMED},
    {"an empty map", "a0", ATLS_RESULT, TOBI_E_MALFORMED},
    {"evidence without a collection", "a20003014101", ATLS_EVIDENCE, TOBI_E_MALFORMED},
    {"must attest 2",
     "a600010101"
     "02" HASH "0302"
     "0400"
     "0580",
     ATLS_OFFER, TOBI_E_LIMIT},
    {"good evidence", "a30003014101024101", ATLS_EVIDENCE, TOBI_OK},
    {"one key more in EVIDENCE", "a400030141010241010300", ATLS_EVIDENCE, TOBI_E_LIMIT},
    {"unknown key instead of one", "a30003014101034101", ATLS_EVIDENCE, TOBI_E_MALFORMED},
    {"duplicate key in EVIDENCE", "a30003014101014101", ATLS_EVIDENCE, TOBI_E_MALFORMED},
    {"duplicate key more", "a40003014101024101024101", ATLS_EVIDENCE, TOBI_E_LIMIT},
    {"unsorted keys in EVIDENCE", "a30003024101014101", ATLS_EVIDENCE, TOBI_E_MALFORMED},
    {"long size in EVIDENCE", "a3000301580101024101", ATLS_EVIDENCE, TOBI_E_MALFORMED},
    {"indefinite bytes in EVIDENCE", "a30003015f4101ff024101", ATLS_EVIDENCE,
     TOBI_E_MALFORMED},
    {"indefinite map of EVIDENCE", "bf0003014101024101ff", ATLS_EVIDENCE,
     TOBI_E_MALFORMED},
    {"long map of EVIDENCE", "b8030003014101024101", ATLS_EVIDENCE, TOBI_E_MALFORMED},
    {"text in EVIDENCE", "a30003016101024101", ATLS_EVIDENCE, TOBI_E_MALFORMED},
    {"no types",
     "a600010101"
     "02" HASH "0300"
     "0400"
     "0580",
     ATLS_OFFER, TOBI_OK},
    {"types missing",
     "a500010101"
     "02" HASH "0300"
     "0400",
     ATLS_OFFER, TOBI_E_MALFORMED},
    {"empty type",
     "a600010101"
     "02" HASH "0300"
     "0400"
     "058160",
     ATLS_OFFER, TOBI_E_MALFORMED},
    {"control character in type",
     "a600010101"
     "02" HASH "0300"
     "0400"
     "05816101",
     ATLS_OFFER, TOBI_E_MALFORMED},
    {"no protocols",
     "a700010101"
     "02" HASH "0300"
     "0400"
     "0580"
     "0680",
     ATLS_OFFER, TOBI_E_MALFORMED},
    {"protocol list in an ANSWER",
     "a700020101"
     "02" HASH "0300"
     "0400"
     "0580"
     "06816161",
     ATLS_ANSWER, TOBI_E_MALFORMED},
};

static void check_all__bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct tobi_fault fault = {0};
		uint8_t room[512];
		size_t size = vector_read(bads[i].hex, room, sizeof(room));
		enum tobi_err err =
		    read_any((struct tobi_bytes){room, size}, bads[i].type, &fault);

		if (err != bads[i].err)
			fail_msg("%s: %s instead of %s (%s)", bads[i].what,
				 tobi_err_name(err), tobi_err_name(bads[i].err),
				 fault.message);
	}
}

static void check_hello__too_many_types(void **state)
{
	(void)state;
	for (size_t count = LIMIT_ATLS_NAMES; count <= LIMIT_ATLS_NAMES + 1; count++) {
		uint8_t room[256];
		size_t size = vector_read("a600010101"
					  "02" HASH "0300"
					  "0400"
					  "05",
					  room, sizeof(room));
		struct atls_hello hello;

		assert_true(count > 23);
		room[size++] = 0x98;
		room[size++] = (uint8_t)count;
		for (size_t i = 0; i < count; i++) {
			room[size++] = 0x61;
			room[size++] = 'a';
		}
		assert_int_equal(atls_read_hello((struct tobi_bytes){room, size},
						 ATLS_OFFER, &hello, NULL),
				 count > LIMIT_ATLS_NAMES ? TOBI_E_LIMIT : TOBI_OK);
	}
}

static void check_frame_size__limits(void **state)
{
	struct {
		uint8_t header[4];
		bool evidence;
		enum tobi_err err;
	} rows[] = {
	    {{0, 0, 0, 0}, false, TOBI_E_MALFORMED},
	    {{0, 0, 0, 1}, false, TOBI_OK},
	    {{0, 0, 0x40, 0}, false, TOBI_OK},
	    {{0, 0, 0x40, 1}, false, TOBI_E_LIMIT},
	    {{0, 0x10, 0, 0}, true, TOBI_OK},
	    {{0, 0x10, 0, 1}, true, TOBI_E_LIMIT},
	    {{0xff, 0xff, 0xff, 0xff}, true, TOBI_E_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tobi_fault fault;
		size_t size = 77;

		assert_int_equal(
		    atls_frame_size(rows[i].header, rows[i].evidence, &size, &fault),
		    rows[i].err);
		assert_true(rows[i].err ? size == 77 : size != 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check_hello__vectors),
	    cmocka_unit_test(check_all__hostile),
	    cmocka_unit_test(check_all__bad),
	    cmocka_unit_test(check_hello__bad),
	    cmocka_unit_test(check_hello__too_many_types),
	    cmocka_unit_test(check_frame_size__limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
