#include "tests/google_scene.h"

#include "base/endian.h"
#include "tests/check.h"

static void put_number(struct writer *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		wr_u8(out, (uint8_t)(value | 0x80));
	wr_u8(out, (uint8_t)value);
}

static void put_bytes(struct writer *out, uint32_t number, struct tobi_bytes bytes)
{
	put_number(out, number << 3 | 2);
	put_number(out, bytes.size);
	wr_bytes(out, bytes.ptr, bytes.size);
}

static void put_value(struct writer *out, uint32_t number, uint64_t value)
{
	if (!value)
		return;
	put_number(out, number << 3);
	put_number(out, value);
}

static void write_bank(const struct google_scene *message, size_t index,
		       struct writer *out)
{
	const struct quote_scene *scene = &message->scene;
	const struct tpm_selection *selection = &scene->selections[index];
	size_t size = tpm_hash_size(selection->hash);

	if (!message->hash_behind)
		put_value(out, 1, selection->hash);
	for (unsigned i = 0; i < TPM_PCRS; i++) {
		struct writer entry = wr_init(256);

		if (selection->pcrs >> i & 1) {
			put_value(&entry, 1, i);
			put_bytes(&entry, 2,
				  (struct tobi_bytes){scene->values[index][i],
						      size - message->short_value});
			put_bytes(out, 2, wr_view(&entry));
		}
		wr_done(&entry);
	}
	if (message->hash_behind)
		put_value(out, 1, selection->hash);
}

/* One quote for each bank. */
static void write_quote(struct google_scene *message, size_t index, struct writer *out)
{
	struct writer attest = wr_init(1024), signature = wr_init(1024),
		      bank = wr_init(1 << 14), quote = wr_init(1 << 15);
	struct quote_scene one = message->scene;

	one.selections[0] = message->scene.selections[index];
	one.banks[0] = message->scene.banks[index];
	memcpy(one.values[0], message->scene.values[index], sizeof(one.values[0]));
	one.selection_count = one.bank_count = 1;
	one.banks[1].hash = one.banks[2].hash = 0;
	if (index && message->other_nonce_of_second)
		one.extra = text_bytes("another nonce");
	quote_scene_quote(&one, &attest);
	quote_scene_sign(&one, one.signs, wr_view(&attest), index && one.damage_signature,
			 &signature);
	write_bank(message, index, &bank);
	put_bytes(&quote, 1, wr_view(&attest));
	put_bytes(&quote, 2, wr_view(&signature));
	put_bytes(&quote, 3, wr_view(&bank));
	put_bytes(out, 2, wr_view(&quote));
	wr_done(&attest);
	wr_done(&signature);
	wr_done(&bank);
	wr_done(&quote);
}

/* Of the nonce, filled up with zeros. */
static void set_report_data(struct google_scene *message, uint8_t *report_data)
{
	memset(report_data, 0, 64);
	memcpy(report_data, message->scene.extra.ptr, message->scene.extra.size);
	report_data[63] ^= message->other_hardware_nonce;
}

/* sevsnp.Report: offset and size of each field, by number; 0: a number. */
static void write_snp_report(const struct google_scene *message, const uint8_t *at,
			     struct writer *out)
{
	static const struct {
		uint16_t at;
		uint8_t size;
		bool is_number;
	} fields[] = {
	    {0x00, 4, true},	{0x04, 4, true},   {0x08, 8, true},    {0x10, 16, false},
	    {0x20, 16, false},	{0x30, 4, true},   {0x34, 4, true},    {0x38, 8, true},
	    {0x40, 8, true},	{0x48, 4, true},   {0x50, 64, false},  {0x90, 48, false},
	    {0xc0, 32, false},	{0xe0, 48, false}, {0x110, 48, false}, {0x140, 32, false},
	    {0x160, 32, false}, {0x180, 8, true},  {0x1a0, 64, false}, {0x1e0, 8, true},
	    {0x1e8, 1, true},	{0x1e9, 1, true},  {0x1ea, 1, true},   {0x1ec, 1, true},
	    {0x1ed, 1, true},	{0x1ee, 1, true},  {0x1f0, 8, true}};
	uint32_t family = at[0x188], model = at[0x189];
	uint32_t base = family > 15 ? 15 : family;

	for (uint32_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].is_number)
			put_value(out, i + 1, load_le(at + fields[i].at, fields[i].size));
		else
			put_bytes(out, i + 1,
				  (struct tobi_bytes){at + fields[i].at, fields[i].size});
	}
	put_bytes(out, 28, (struct tobi_bytes){at + 0x2a0, 512});
	put_value(out, 29,
		  (family - base) << 20 | (model >> 4) << 16 | base << 8 |
		      (model & 15) << 4 | (at[0x18a] & 15));
	put_value(out, 30, load_le(at + 0x1f8, 8));
	put_value(out, 31, load_le(at + 0x200, 8));
	if (message->twice_a_field_of_the_report)
		put_value(out, 1, 3);
	if (message->long_field_of_the_report)
		put_value(out, 21, 0x100);
}

static void write_snp(struct google_scene *message, struct writer *out)
{
	static const uint32_t numbers[] = {1, 2, 3}; /* VCEK, ASK, ARK */
	struct writer report = wr_init(4096), fields = wr_init(8192),
		      chain = wr_init(1 << 16), whole = wr_init(1 << 17);

	set_report_data(message, message->snp.report + 0x50);
	snp_scene_pieces(&message->snp);
	snp_scene_report(&message->snp, &report);
	write_snp_report(message, report.ptr, &fields);
	for (size_t i = 0; i < 3; i++)
		put_bytes(&chain, numbers[i], message->snp.pieces[i]);
	put_bytes(&whole, 1, wr_view(&fields));
	put_bytes(&whole, 2, wr_view(&chain));
	put_bytes(out, 8, wr_view(&whole));
	wr_done(&report);
	wr_done(&fields);
	wr_done(&chain);
	wr_done(&whole);
}

static struct tobi_bytes part(const uint8_t **at, size_t size)
{
	struct tobi_bytes bytes = {*at, size};

	*at += size;
	return bytes;
}

/* Sizes of the fields of a structure, in the order of their numbers. */
static void put_parts(struct writer *out, const uint8_t *at, const uint8_t *sizes,
		      size_t count)
{
	for (uint32_t i = 0; i < count; i++)
		put_bytes(out, i + 1, part(&at, sizes[i]));
}

/* EnclaveReport: numbers among the bytes. */
static void put_qe_report(struct writer *out, const uint8_t *at)
{
	static const uint8_t sizes[] = {16, 4, 28, 16, 32, 32, 32, 96, 2, 2, 60, 64};

	for (uint32_t i = 0; i < sizeof(sizes); i++) {
		struct tobi_bytes bytes = part(&at, sizes[i]);

		if (sizes[i] <= 4)
			put_value(out, i + 1, load_le(bytes.ptr, bytes.size));
		else
			put_bytes(out, i + 1, bytes);
	}
}

/* tdx.QuoteV4, of a quote's bytes. */
static void write_td(struct google_scene *message, struct writer *out)
{
	static const uint8_t body_sizes[] = {16, 48, 48, 8, 8, 8, 48, 48, 48, 48};
	struct writer quote = wr_init(LIMIT_EVIDENCE), header = wr_init(1024),
		      body = wr_init(4096), qe = wr_init(1024), auth = wr_init(1024),
		      pck = wr_init(1 << 16), inner = wr_init(1 << 16),
		      certification = wr_init(1 << 16), data = wr_init(1 << 17),
		      whole = wr_init(1 << 17);
	struct dcap_quote read;

	set_report_data(message, message->td.body + 520);
	dcap_scene_quote(&message->td, &quote);
	assert_int_equal(dcap_quote_read(wr_view(&quote), "quote", &read, NULL), 0);
	put_value(&header, 1, 4);
	put_value(&header, 2, load_le(quote.ptr + 2, 2));
	put_value(&header, 3, load_le(quote.ptr + 4, 4));
	put_bytes(&header, 4, (struct tobi_bytes){quote.ptr + 10, 2});
	put_bytes(&header, 5, (struct tobi_bytes){quote.ptr + 8, 2});
	put_bytes(&header, 6, (struct tobi_bytes){quote.ptr + 12, 16});
	put_bytes(&header, 7, (struct tobi_bytes){quote.ptr + 28, 20});
	put_parts(&body, read.body.ptr, body_sizes, sizeof(body_sizes));
	for (size_t i = 0; i < 4; i++)
		put_bytes(&body, 11,
			  (struct tobi_bytes){read.body.ptr + 328 + 48 * i, 48});
	put_bytes(&body, 12, (struct tobi_bytes){read.body.ptr + 520, 64});
	put_qe_report(&qe, read.qe_report.ptr);
	put_bytes(&auth, 2, read.qe_auth);
	put_value(&pck, 1, 5);
	put_bytes(&pck, 3, read.certification_data);
	put_bytes(&inner, 1, wr_view(&qe));
	put_bytes(&inner, 2, read.qe_report_signature);
	put_bytes(&inner, 3, wr_view(&auth));
	put_bytes(&inner, 4, wr_view(&pck));
	put_value(&certification, 1, 6);
	put_bytes(&certification, 3, wr_view(&inner));
	put_bytes(&data, 1, read.signature);
	put_bytes(&data, 2, read.attestation_key);
	put_bytes(&data, 3, wr_view(&certification));
	put_bytes(&whole, 1, wr_view(&header));
	put_bytes(&whole, 2, wr_view(&body));
	put_bytes(&whole, 4, wr_view(&data));
	put_bytes(out, 9, wr_view(&whole));
	wr_done(&quote);
	wr_done(&header);
	wr_done(&body);
	wr_done(&qe);
	wr_done(&auth);
	wr_done(&pck);
	wr_done(&inner);
	wr_done(&certification);
	wr_done(&data);
	wr_done(&whole);
}

void google_scene_make(struct google_scene *message)
{
	*message = (struct google_scene){0};
	quote_scene_make(&message->scene, QUOTE_RSA);
	snp_scene_make(&message->snp);
	dcap_scene_make(&message->td);
	dcap_scene_kind(&message->td, 4, DCAP_TD10);
	message->snp.now = QUOTE_NOW;
	message->snp.leaf_to = QUOTE_NOW + SNP_DAY;
}

void google_scene_done(struct google_scene *message)
{
	quote_scene_done(&message->scene);
	snp_scene_done(&message->snp);
}

void google_scene_write(struct google_scene *message, struct writer *out)
{
	struct writer public = wr_init(4096);

	quote_scene_certificates(&message->scene);
	quote_scene_public(&message->scene, message->scene.ak, message->scene.attributes,
			   &public);
	put_bytes(out, 1, wr_view(&public));
	for (size_t i = 0; i < message->scene.selection_count; i++)
		write_quote(message, i, out);
	put_bytes(out, 6, wr_view(&message->scene.ak_certificate.der));
	put_bytes(out, 7, wr_view(&message->scene.root));
	if (message->twice_the_key)
		put_bytes(out, 1, wr_view(&public));
	if (message->number_for_bytes)
		put_value(out, 5, 1);
	if (message->with_snp)
		write_snp(message, out);
	if (message->with_td)
		write_td(message, out);
	assert_int_equal(wr_err(out), 0);
	wr_done(&public);
}
