#include "tee/snp_id_block.h"

#include "base/endian.h"
#include "base/reader.h"
#include "base/secret.h"
#include "pki/signature.h"

#define ABI "AMD 56860 (SEV-SNP firmware ABI), "

enum {
	BLOCK_SIZE = 96,
	AUTH_SIZE = 4096,
	KEY_SIZE = 1028,
	NUMBER_SIZE = 48,
	NUMBER_ROOM = 72,
	CURVE_P384 = 2,
	ALGORITHM_P384 = 1,
	BLOCK_VERSION = 1,
};

const struct check snp_check_id_block = {
    "SNP-ID-BLOCK",
    "the ID block that came with the report is signed by the ID key, and is the guest's",
    ABI "tables IDBLOCK, IDAUTHINFO",
    "Give the ID block and ID authentication that the "
    "guest was launched with, or neither."};
const struct check snp_check_author_key = {
    "SNP-AUTHOR-KEY", "the author key of the report has signed the ID key",
    ABI "table IDAUTHINFO",
    "Give the ID authentication that the guest was launched with, or none."};

struct auth {
	uint32_t id_algorithm, author_algorithm;
	struct tobi_bytes block_signature, id_key, key_signature, author_key;
	bool reserved_zero;
};

static struct auth read_auth(struct tobi_bytes bytes)
{
	struct reader rd = rd_init(bytes);
	struct auth auth = {.reserved_zero = true};

	auth.id_algorithm = rd_u32le(&rd, "ID key algorithm");
	auth.author_algorithm = rd_u32le(&rd, "author key algorithm");
	auth.reserved_zero &= snp_is_zero(rd_bytes(&rd, 56, "reserved"));
	auth.block_signature = rd_bytes(&rd, SNP_SIGNATURE_SIZE, "signature");
	auth.id_key = rd_bytes(&rd, KEY_SIZE, "ID key");
	auth.reserved_zero &= snp_is_zero(rd_bytes(&rd, 60, "reserved"));
	auth.key_signature = rd_bytes(&rd, SNP_SIGNATURE_SIZE, "ID key signature");
	auth.author_key = rd_bytes(&rd, KEY_SIZE, "author key");
	auth.reserved_zero &= snp_is_zero(rd_bytes(&rd, rd_left(&rd), "reserved"));
	return auth;
}

static void reverse(const uint8_t *from, uint8_t *to)
{
	for (size_t i = 0; i < NUMBER_SIZE; i++)
		to[i] = from[NUMBER_SIZE - 1 - i];
}

/* Curve, QX, QY, zeros. */
static EVP_PKEY *read_key(struct tobi_bytes bytes)
{
	const uint8_t *x = bytes.ptr + 4, *y = x + NUMBER_ROOM;
	struct tobi_bytes rest = {y + NUMBER_ROOM,
				  bytes.size - 4 - (size_t)2 * NUMBER_ROOM};
	const size_t upper = NUMBER_ROOM - NUMBER_SIZE;
	uint8_t point[2 * NUMBER_SIZE];
	EVP_PKEY *key = NULL;

	if (load_u32le(bytes.ptr) != CURVE_P384 || !snp_is_zero(rest) ||
	    !snp_is_zero((struct tobi_bytes){x + NUMBER_SIZE, upper}) ||
	    !snp_is_zero((struct tobi_bytes){y + NUMBER_SIZE, upper}))
		return NULL;
	reverse(x, point);
	reverse(y, point + NUMBER_SIZE);
	return ec_key_read(KEY_P384, (struct tobi_bytes){point, sizeof(point)}, "ID key",
			   &key, NULL)
		   ? NULL
		   : key;
}

static bool is_signed(struct tobi_bytes key_bytes, struct tobi_bytes message,
		      struct tobi_bytes signature)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = read_key(key_bytes);
	uint8_t raw[2 * NUMBER_SIZE];

	return key && snp_signature_read(signature, raw) &&
	       ec_signature_holds(key, message, (struct tobi_bytes){raw, sizeof(raw)});
}

static bool is_digest(struct tobi_bytes key, struct tobi_bytes digest)
{
	uint8_t hash[SHA384_SIZE];

	return !hash_sha384(key, hash) &&
	       bytes_equal((struct tobi_bytes){hash, sizeof(hash)}, digest);
}

/* The first that differs, or NULL. */
static const char *wrong_block(struct tobi_bytes block, const struct snp_report *report)
{
	struct reader rd = rd_init(block);

	if (!bytes_equal(rd_bytes(&rd, 48, "LD"), report->measurement))
		return "it is of another measurement";
	if (!bytes_equal(rd_bytes(&rd, 16, "FAMILY_ID"), report->family_id) ||
	    !bytes_equal(rd_bytes(&rd, 16, "IMAGE_ID"), report->image_id))
		return "it has another family or image id";
	if (rd_u32le(&rd, "VERSION") != BLOCK_VERSION)
		return "its version is not 1";
	if (rd_u32le(&rd, "GUEST_SVN") != report->guest_svn)
		return "it has another guest SVN";
	if (rd_u64le(&rd, "POLICY") != report->policy)
		return "it has another guest policy";
	return NULL;
}

static const char *wrong_id(const struct auth *auth, struct tobi_bytes block,
			    const struct snp_report *report)
{
	if (auth->id_algorithm != ALGORITHM_P384 || !auth->reserved_zero)
		return "the ID authentication is of another form";
	if (!is_digest(auth->id_key, report->id_key_digest))
		return "the report names another ID key";
	if (!is_signed(auth->id_key, block, auth->block_signature))
		return "the ID key has not signed it";
	return wrong_block(block, report);
}

static const char *wrong_author(const struct auth *auth, const struct snp_report *report)
{
	if (auth->author_algorithm != ALGORITHM_P384)
		return "the ID authentication has no author key";
	if (!is_digest(auth->author_key, report->author_key_digest))
		return "the report names another author key";
	return is_signed(auth->author_key, auth->id_key, auth->key_signature)
		   ? NULL
		   : "the author key has not signed the ID key";
}

bool snp_id_block_is(struct tobi_bytes piece)
{
	return piece.size == BLOCK_SIZE || piece.size == AUTH_SIZE ||
	       piece.size == BLOCK_SIZE + AUTH_SIZE;
}

static void find(const struct tee_request *request, struct tobi_bytes *ret_block,
		 struct tobi_bytes *ret_auth)
{
	for (size_t i = 0; i < request->piece_count; i++) {
		struct tobi_bytes piece = request->pieces[i];

		if (piece.size == BLOCK_SIZE || piece.size == BLOCK_SIZE + AUTH_SIZE)
			*ret_block = (struct tobi_bytes){piece.ptr, BLOCK_SIZE};
		if (piece.size == AUTH_SIZE)
			*ret_auth = piece;
		if (piece.size == BLOCK_SIZE + AUTH_SIZE)
			*ret_auth =
			    (struct tobi_bytes){piece.ptr + BLOCK_SIZE, AUTH_SIZE};
	}
}

void snp_id_block_examine(const struct tee_request *request,
			  const struct snp_report *report, struct checklist *list)
{
	struct tobi_bytes block = {0}, auth_bytes = {0};
	struct auth auth;
	const char *wrong;

	find(request, &block, &auth_bytes);
	if (!block.size && !auth_bytes.size) {
		check_waive(list, &snp_check_id_block, "none came with the report");
		check_waive(list, &snp_check_author_key, "none came with the report");
		return;
	}
	if (!block.size || !auth_bytes.size) {
		check_record(list, &snp_check_id_block, false,
			     "an ID block and an ID authentication",
			     block.size ? "only an ID block"
					: "only an ID authentication");
		return;
	}
	auth = read_auth(auth_bytes);
	wrong = wrong_id(&auth, block, report);
	check_record(list, &snp_check_id_block, !wrong, "the guest's own", wrong);
	if (!snp_report_author_key(report)) {
		check_waive(list, &snp_check_author_key,
			    "the report names no author key");
		return;
	}
	wrong = wrong_author(&auth, report);
	check_record(list, &snp_check_author_key, !wrong, "the report's author key",
		     wrong);
}
