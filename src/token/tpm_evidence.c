#include "token/tpm_evidence.h"

#include "codec/cbor.h"

enum { VERSION = 1, PCR_SIZE = 32, KEYS = 9 };

void tpm_evidence_binding(struct writer *out, struct tobi_bytes spki_hash,
			  struct tobi_bytes nonce)
{
	wr_bytes(out, TPM_EVIDENCE_BINDING, sizeof(TPM_EVIDENCE_BINDING));
	wr_bytes(out, spki_hash.ptr, spki_hash.size);
	wr_bytes(out, nonce.ptr, nonce.size);
}

static void write_item(struct writer *out, uint64_t key, struct tobi_bytes item)
{
	cbor_write_uint(out, key);
	cbor_write_bytes(out, item);
}

static void write_pcrs(struct writer *out, const struct tpm_evidence *evidence)
{
	size_t count = 0;

	for (size_t i = 0; i < TPM_EVIDENCE_PCRS; i++)
		count += evidence->pcrs[i].size != 0;
	cbor_write_map(out, count);
	for (size_t i = 0; i < TPM_EVIDENCE_PCRS; i++) {
		if (evidence->pcrs[i].size)
			write_item(out, i, evidence->pcrs[i]);
	}
}

void tpm_evidence_write(struct writer *out, const struct tpm_evidence *evidence)
{
	cbor_write_map(out, KEYS);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, VERSION);
	write_item(out, 1, evidence->quote);
	write_item(out, 2, evidence->quote_signature);
	cbor_write_uint(out, 3);
	write_pcrs(out, evidence);
	write_item(out, 4, evidence->ak);
	cbor_write_uint(out, 5);
	cbor_write_array(out, evidence->chain_count);
	for (size_t i = 0; i < evidence->chain_count; i++) {
		cbor_write_array(out, evidence->chain_sizes[i]);
		for (size_t j = 0; j < evidence->chain_sizes[i]; j++)
			cbor_write_bytes(out, evidence->chains[i][j]);
	}
	write_item(out, 6, evidence->key);
	write_item(out, 7, evidence->certify);
	write_item(out, 8, evidence->certify_signature);
}

static void read_pcrs(struct cbor *cbor, struct tpm_evidence *evidence)
{
	struct cbor_map map = cbor_map(cbor, TPM_EVIDENCE_PCRS, "PCRs");
	int64_t index = 0;

	while (cbor_map_int(cbor, &map, &index, "PCRs")) {
		struct tobi_bytes value = cbor_bytes_exact(cbor, PCR_SIZE, "PCRs");

		if (index < 0 || index >= TPM_EVIDENCE_PCRS)
			cbor_fail(cbor, TOBI_E_MALFORMED, "PCRs");
		else
			evidence->pcrs[index] = value;
	}
}

static void read_chains(struct cbor *cbor, struct tpm_evidence *evidence)
{
	size_t count = cbor_array(cbor, TPM_EVIDENCE_CHAINS, "attestation key's chains");

	for (size_t i = 0; i < count; i++) {
		size_t size =
		    cbor_array(cbor, LIMIT_COSE_CHAIN, "attestation key's chains");

		if (!cbor_failed(cbor) && !size)
			cbor_fail(cbor, TOBI_E_MALFORMED, "attestation key's chains");
		for (size_t j = 0; j < size && !cbor_failed(cbor); j++)
			evidence->chains[i][j] = cbor_bytes(cbor, LIMIT_CERTIFICATE,
							    "attestation key's chains");
		evidence->chain_sizes[i] = size;
	}
	evidence->chain_count = count;
}

static struct tobi_bytes read_item(struct cbor *cbor, const char *field)
{
	return cbor_bytes(cbor, TPM_EVIDENCE_ITEM, field);
}

static void read_key(struct cbor *cbor, int64_t key, struct tpm_evidence *evidence)
{
	switch (key) {
	case 0:
		if (cbor_uint(cbor, "version") != VERSION)
			cbor_fail(cbor, TOBI_E_UNSUPPORTED, "version");
		break;
	case 1:
		evidence->quote = read_item(cbor, "quote");
		break;
	case 2:
		evidence->quote_signature = read_item(cbor, "quote's signature");
		break;
	case 3:
		read_pcrs(cbor, evidence);
		break;
	case 4:
		evidence->ak = read_item(cbor, "attestation key");
		break;
	case 5:
		read_chains(cbor, evidence);
		break;
	case 6:
		evidence->key = read_item(cbor, "platform key");
		break;
	case 7:
		evidence->certify = read_item(cbor, "certification");
		break;
	case 8:
		evidence->certify_signature =
		    read_item(cbor, "certification's signature");
		break;
	default:
		cbor_fail(cbor, TOBI_E_MALFORMED, "unknown key");
	}
}

enum tobi_err tpm_evidence_parse(struct tobi_bytes bytes,
				 struct tpm_evidence *ret_evidence,
				 struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, KEYS, "keys");
	struct tpm_evidence evidence = {0};
	size_t count = 0;
	int64_t key = 0;
	enum tobi_err err;

	for (; cbor_map_int(&cbor, &map, &key, "keys"); count++)
		read_key(&cbor, key, &evidence);
	cbor_require(&cbor, count == KEYS, "a required key");
	err = cbor_finish(&cbor, "TPM evidence", fault);
	if (!err)
		*ret_evidence = evidence;
	return err;
}
