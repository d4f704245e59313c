/* Every ceiling on what comes from outside, in one place. Sizes are bytes. */
#ifndef TOBI_BASE_LIMITS_H
#define TOBI_BASE_LIMITS_H

enum {
	LIMIT_CBOR_DEPTH = 8,
	LIMIT_CBOR_DEPTH_MOST = 16, /* of formats that need more: CoRIM */
	LIMIT_JSON = 1 << 20,
	LIMIT_JSON_DEPTH = 32,
	LIMIT_COSE_CHAIN = 8,	      /* certificates in one x5chain */
	LIMIT_CERTIFICATE = 64 << 10, /* some carry evidence, and collateral for it */
	LIMIT_PEM = 256 << 10,	      /* a PEM file with keys or certificates */

	LIMIT_CMW = 1 << 20,
	LIMIT_CMW_ENTRIES = 32,
	LIMIT_EVIDENCE = 1 << 20,
	LIMIT_EVIDENCE_TEXT = 3 << 20, /* in hexadecimal or base64, with line ends */
	LIMIT_GUEST = 376 << 10,       /* evidence of the guest around an enclave */
	LIMIT_NONCE = 1024,	       /* that a verifier gives; the least is 8 */
	LIMIT_TOKEN = 64 << 10,
	LIMIT_JWS_HEADER = 128 << 10,
	LIMIT_TPM_EVIDENCE = 40 << 10, /* a TPM's submodule of a token */
	LIMIT_CLAIMS_BUFFER = 4 << 10,
	LIMIT_COLLATERAL = 64 << 10, /* one part of the endorsements in a certificate */
	LIMIT_BUNDLE = 64 << 20,     /* a set of collateral, in memory */
	LIMIT_DOCUMENT = 1 << 20,    /* one document of it */
	LIMIT_CRL = 1 << 20,
	LIMIT_DCAP_AUTH = 1 << 10, /* of a quoting enclave; 32 bytes in the field */
	LIMIT_DCAP_CERTIFICATION = 64 << 10, /* certificates in a quote */
	LIMIT_NITRO = 16 << 10,		     /* one document of AWS Nitro */
	LIMIT_AZURE_DATA = 16 << 10,	     /* of a paravisor; 1.2 KiB in the field */
	LIMIT_AZURE_JSON = 128 << 10,	     /* evidence as others write it down */
	LIMIT_PIECES = 16,		     /* that came beside one piece of evidence */
	LIMIT_EPID_REPORT = 32 << 10,	     /* of Intel's retired service */
	LIMIT_CORIM = 1 << 20,		     /* one document of reference values */
	LIMIT_CORIM_ARENA = 16 << 20,	     /* what is read of it, in memory */
	LIMIT_CORIM_TAGS = 256,		     /* in one document */
	LIMIT_CORIM_TRIPLES = 2048,
	LIMIT_CORIM_MEASUREMENTS = 8192, /* in all triples */
	LIMIT_CORIM_ITEMS = 65536,	 /* elements of all lists */
	LIMIT_CORIM_DOCUMENTS = 16,	 /* that one policy names */
	LIMIT_XML = 256 << 10,		 /* signed XML: reference values of NVIDIA */
	LIMIT_XML_NODES = 8192,		 /* elements, texts and attributes */
	LIMIT_XML_DEPTH = 12,
	LIMIT_CORIM_DEVICES = 2048, /* whose keys are in them */
	LIMIT_POLICY = 256 << 10,
	LIMIT_POLICY_ITEMS = 256,  /* entries of one list in a policy */
	LIMIT_IMA_DIGESTS = 4096,  /* of files that Linux may read */
	LIMIT_APPRAISAL = 8 << 20, /* the arena of one appraisal */

	LIMIT_MANIFEST = 64 << 10,
	LIMIT_SIGNATURES = 64 << 10,
	LIMIT_SIGNERS = 8,
	LIMIT_CONFIG = 64 << 10,
	LIMIT_NAME = 64,
	LIMIT_PATH = 1024,
	LIMIT_ROOTFS_FILES = 200000,
	LIMIT_DEEP_PATH =
	    3 << 10, /* of a file in an image that is built, links resolved */
	LIMIT_ARGUMENTS = 256,
	LIMIT_ARGUMENT = 4096,
	LIMIT_PORTS = 16,
	LIMIT_TARGET = 300,	  /* host:port */
	LIMIT_EGRESS = 64,	  /* connections out of one enclave */
	LIMIT_EGRESS_DIALING = 8, /* of them not connected yet */
	LIMIT_EGRESS_ALL = 512,	  /* of one platform service */
	LIMIT_NOTES = 100,	  /* of one enclave, in the service's log */
	LIMIT_WRITABLE = 32,
	LIMIT_SECRETS = 64,
	LIMIT_SECRET = 1 << 20,
	LIMIT_SECRETS_TOTAL = 16 << 20,
	LIMIT_KEYRING_PLAIN = 4 << 20,	   /* one secret that a broker keeps */
	LIMIT_KEYRING_CONTEXT = 4 << 10,   /* what is bound to it */
	LIMIT_STORE_KEYS = 1024,	   /* generations of a broker's keys */
	LIMIT_STORE_KEY_WRAPPED = 8 << 10, /* one of them, as its provider wraps it */
	LIMIT_VAULT = 64 << 10,		   /* one answer of Vault's transit engine */
	LIMIT_ENCLAVES = 256,		   /* of one platform service */
	LIMIT_COUNTERS = 1024,		   /* of one platform */
	LIMIT_COUNTERS_EACH = 64, /* of one image, or of one signer and product */

	LIMIT_OCI_JSON = 4 << 20,     /* one document of a container image */
	LIMIT_OCI_MEMBERS = 16 << 10, /* of an archive that holds images */
	LIMIT_OCI_DESCRIPTORS = 1024, /* in one index */
	LIMIT_OCI_DOCUMENTS = 64,     /* that are read to find an image */
	LIMIT_OCI_INDEX_DEPTH = 4,    /* an index in an index */
	LIMIT_OCI_LAYERS = 512,
	LIMIT_OCI_ENTRIES = 2000000,  /* in all layers together */
	LIMIT_OCI_ACCOUNTS = 4 << 20, /* /etc/passwd, /etc/group */
	LIMIT_PIN = 256,
	LIMIT_P11_SLOTS = 64,
	LIMIT_P11_MARKER = 4096,

	LIMIT_CONTROL = 128 << 10, /* one packet on the control socket */
	LIMIT_CONTROL_REPLY = LIMIT_GUEST + (32 << 10), /* one with evidence in it */
	LIMIT_CHANNEL = (1 << 20) + 4096, /* one packet on an agent channel */
	LIMIT_ASK = 18 << 10,		  /* one packet on an agent's socket inside */
	LIMIT_PACKET_FDS = LIMIT_PORTS + 4,

	LIMIT_BROKER_REPLY = 16 << 20, /* the body of a broker's reply */
	LIMIT_HTTP_REPLY_HEAD = 8 << 10,
	LIMIT_HTTP_REPLY_LINES = 64, /* headers of it */

	LIMIT_ATLS_FRAME = 16 << 10,
	LIMIT_ATLS_EVIDENCE = 1 << 20,
	LIMIT_ATLS_NAMES = 32, /* evidence types, inner protocols */
	LIMIT_ATLS_NAME = 64,
	LIMIT_ATLS_EXCHANGE_MS = 30000,

	LIMIT_PAGE_VALUE = 512,	      /* one field of a form, one cookie */
	LIMIT_PAGE_FORM = 4 << 10,    /* and a query */
	LIMIT_PAGE_BODY = 1 << 10,    /* a form that is posted */
	LIMIT_PAGE_COOKIES = 8 << 10, /* all, of one request */
	LIMIT_PAGE_LOGINS = 16,	      /* links of one key that were not used yet */
	LIMIT_PAGE_SESSIONS = 32,     /* of one key; one more ends the oldest */

	LIMIT_BROKER_OWNERS = 10000,
	LIMIT_BROKER_KEYS = 16,		   /* of one owner */
	LIMIT_BROKER_REPOSITORIES = 256,   /* of one owner */
	LIMIT_BROKER_RESOURCES = 100000,   /* of one owner */
	LIMIT_BROKER_POLICIES = 10000,	   /* of one owner */
	LIMIT_BROKER_VERSIONS = 64,	   /* of one resource */
	LIMIT_BROKER_COUNTERS = 10000,	   /* of one owner */
	LIMIT_BROKER_PROFILES = 1000,	   /* of certificates, of one owner */
	LIMIT_BROKER_COUNTER = 1024,	   /* a request of one */
	LIMIT_BROKER_REFERENCES = 4 << 20, /* reference values of one policy */
	LIMIT_BROKER_BODY = 9 << 20,   /* of a request that brings secret and policy */
	LIMIT_BROKER_CACHED = 256,     /* policies that are kept, parsed */
	LIMIT_BROKER_CACHE = 64 << 20, /* their texts and files together */
	LIMIT_KBS_REQUEST = 4 << 10,   /* of the key-broker protocol: the first */
	LIMIT_KBS_BODY = 2 << 20,      /* with evidence, in JSON */
	LIMIT_KBS_INIT_DATA = 1 << 20,
	LIMIT_KBS_TOKEN = 128 << 10,
	LIMIT_KBS_KEPT = 512 << 20, /* of all sessions that are kept */
};

/* 16 GiB: too large for an enum. */
#define LIMIT_ROOTFS (UINT64_C(16) << 30)
/* All layers of a container image together, unpacked: what upper ones hide counts, too.
 */
#define LIMIT_OCI_UNPACKED (UINT64_C(32) << 30)

#endif
