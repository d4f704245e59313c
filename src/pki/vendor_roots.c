#include "pki/vendor_roots.h"

#include <string.h>

#include "base/hex.h"
#include "base/secret.h"

#define INTEL "Intel PCS, IntelSGXRootCA.der"
#define AMD_KDS "AMD KDS, /vcek/v1/PRODUCT/cert_chain"
#define AMD_SEV "AMD, ask_ark_PRODUCT.cert (55766, SEV API, appendix B.3)"
#define AWS "AWS, AWS_NitroEnclaves_Root-G1.zip"
#define GOOGLE_CA "Google, EK/AK CA Root (Certificate Authority Service)"
#define GOOGLE_OLD "Google, pki.goog/cloud_integrity/tpm_ek_root_1.crt"
#define NVIDIA "NVIDIA, attestation SDK (certificates of devices)"
#define NVIDIA_RIM "NVIDIA, attestation SDK (certificates of reference values)"
#define IAS                                                                              \
	"Intel, Attestation_Report_Signing_CA.pem (Attestation Service for SGX, API v4)"

/* Each was compared with the root that real evidence of its kind chains to; for SEV the
 * certificate's hash is that of AMD's own format. */
static const struct vendor_root roots[] = {
    {"sgx", "Intel SGX Root CA",
     "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e",
     "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3", INTEL},
    {"tdx", "Intel SGX Root CA",
     "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e",
     "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3", INTEL},
    {"sgx-epid", "Intel SGX Attestation Report Signing CA",
     "a9beeb83bb1222c108b436bdd82334e5cf380d61039dae11db95272343850394",
     "7b42e41ec43b91db834a065de4f98a13c44d695570e839cfa8921e584e40735d", IAS},
    {"snp", "ARK-Milan",
     "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9",
     "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd", AMD_KDS},
    {"snp", "ARK-Genoa",
     "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831",
     "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1", AMD_KDS},
    {"snp", "ARK-Turin",
     "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08",
     "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a", AMD_KDS},
    {"sev", "ARK-Naples",
     "3a04f8f1347de206c9206a81148ba4ef0a233b245d43a15dd82de043bb3e4f69",
     "dedabca561e1dece8cc00b7bda864cf5f20b95017864408cfe18eaee0dce24b9", AMD_SEV},
    {"sev", "ARK-Rome",
     "7447ffa21e2b938bfade89f5e9066c00a328813bfc43685605cceabd18da6fde",
     "865977b268c16d5b27772b00aaefb4e737ba9499e818ed8e9f65b0cecefbc529", AMD_SEV},
    {"sev", "ARK-Milan",
     "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9",
     "1246469862b78a7a8625579b0378d1f8e975eb8b82a1623b579d7968a5969888", AMD_SEV},
    {"nitro", "aws.nitro-enclaves",
     "f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225",
     "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b", AWS},
    {"nitro-tpm", "aws.nitro-enclaves",
     "f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225",
     "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b", AWS},
    {"tpm", "aws.nitro-enclaves",
     "f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225",
     "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b", AWS},
    {"tpm", "EK/AK CA Root",
     "56a613f57126a385dd6949294e93b0b566f96ab0573be0c2368e6f5ca779831f",
     "594759594b9b61524f6c8ef668f7177f7b9066bc0674f2f49fe9e052be78beb2", GOOGLE_CA},
    {"tpm", "tpm_ek_v1_cloud_host_root",
     "f23057f4f97d1d90e4cae0ce91d5a0fc99069f0a1bc147021dca33b1e9c4d0d9",
     "9bd5285f8fb18502a7947e621ffd470266f49fcd3b73e19a190f690ad32a7caf", GOOGLE_OLD},
    {"azure-snp", "ARK-Milan",
     "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9",
     "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd", AMD_KDS},
    {"azure-snp", "ARK-Genoa",
     "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831",
     "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1", AMD_KDS},
    {"azure-snp", "ARK-Turin",
     "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08",
     "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a", AMD_KDS},
    {"azure-tdx", "Intel SGX Root CA",
     "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e",
     "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3", INTEL},
    {"nvidia-gpu", "NVIDIA Device Identity CA",
     "a90c4eb5acfd3e3d03a25db6a26b84f720ad0503196c627c21ddd48dd85b06a4",
     "102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48", NVIDIA},
    {"nvidia-rim", "NVIDIA CoRIM signing Root CA",
     "dec1dc316477aa851eebdf51327ae9f864bc8d89254657ed1e7eb9168af1e1a3",
     "12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1", NVIDIA_RIM},
};

const struct vendor_root *vendor_root_at(size_t index)
{
	return index < sizeof(roots) / sizeof(roots[0]) ? &roots[index] : NULL;
}

struct key_pins vendor_root_pins(const char *tier)
{
	struct key_pins pins = {0};
	const struct vendor_root *root;

	for (size_t i = 0; (root = vendor_root_at(i)); i++) {
		if (strcmp(root->tier, tier) == 0 && pins.count < KEY_PINS_MAX &&
		    hex_read(root->key, pins.keys[pins.count], SHA256_SIZE))
			pins.count++;
	}
	return pins;
}

bool key_pins_have(const struct key_pins *pins, const uint8_t key[static SHA256_SIZE])
{
	for (size_t i = 0; i < pins->count; i++) {
		if (bytes_equal((struct tobi_bytes){pins->keys[i], SHA256_SIZE},
				(struct tobi_bytes){key, SHA256_SIZE}))
			return true;
	}
	return false;
}
