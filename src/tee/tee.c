#include "tee/tee.h"

#include "base/secret.h"
#include "tee/soft.h"

static const struct tee_verifier *const verifiers[] = {&tee_soft};

const struct tee_verifier *tee_verifier_at(size_t index)
{
	return index < sizeof(verifiers) / sizeof(verifiers[0]) ? verifiers[index] : NULL;
}

const struct tee_verifier *tee_verifier_find(struct tobi_bytes media_type,
					     uint64_t content_format)
{
	const struct tee_verifier *verifier;

	for (size_t i = 0; (verifier = tee_verifier_at(i)); i++) {
		if (media_type.size
			? bytes_equal_text(media_type, verifier->media_type)
			: content_format && content_format == verifier->content_format)
			return verifier;
	}
	return NULL;
}
