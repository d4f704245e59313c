#include "cli/cli.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

/* The only list of commands: usage, `tobichi help` and dispatch all read it. */
static const struct command commands[] = {
    {"attest",
     "ENCLAVE [--nonce HEX] [--format FORM] [-o FILE] | --list |\n"
     "                      --platform auto|NAME [--nonce HEX | --report-data HEX] "
     "[--raw]\n"
     "                      [--logs] [-o PATH]",
     "have an enclave, or this machine, prove itself, to a file",
     "  --nonce HEX        yours, 16 to 128 digits; a random one otherwise\n"
     "  -o, --output FILE  the evidence (ENCLAVE.evidence, NAME.evidence)\n"
     "  --list             which devices that attest are here, and why others are not\n"
     "  --platform NAME    evidence of this machine's hardware, by that device; auto: "
     "the\n"
     "                     first that is here\n"
     "  --report-data HEX  bind it to these bytes as they are, 1 to 64 of them\n"
     "  --key FILE         bind it to this public key, too\n"
     "  --raw              the bare evidence, and its pieces, into a folder\n"
     "  --logs             with the logs of what has started\n"
     "  --format FORM      cmw (CBOR, as is) or cmw-json\n"
     "  --timeout S        leave a device alone that does not answer (60)\n"
     "  --privilege N      SEV-SNP: the VMPL that is attested\n"
     "  --quote-service CID:PORT  TDX: a quoting service over vsock\n"
     "  --device DEVICE    a TPM: device:PATH (/dev/tpmrm0) or swtpm:path=SOCKET\n"
     "  --ak HANDLE        its attestation key\n"
     "  --pcrs LIST        the PCRs to quote (all)\n"
     "  --metadata URL     a cloud's metadata service (http://169.254.169.254)\n",
     cmd_attest},
    {"broker",
     "init [FOLDER] [OPTION...] | serve [--config FILE] | status [--config FILE] "
     "[--json] |\n"
     "       rotate-keys [--broker URL] --key FILE",
     "the key broker: set one up, run it, ask how it is",
     "  init [FOLDER]   make keys, certificate, database and configuration\n"
     "                  (/var/lib/tobichi-broker)\n"
     "  serve           run it, until it is ended\n"
     "  status          whether it answers, the head of its log, what it holds\n"
     "  rotate-keys     the operator: a new store key, and all secrets under it, while "
     "it "
     "runs\n"
     "  --config FILE   (/var/lib/tobichi-broker/broker.yaml)\n"
     "  --json          init, status, rotate-keys: as JSON\n"
     "  --broker URL    rotate-keys: the broker (TOBICHI_BROKER)\n"
     "  --key FILE      rotate-keys: the operator's private key\n"
     "  --tls-ca FILE   rotate-keys: whom to trust for its TLS\n"
     "init:\n"
     "  --host NAME[:PORT]     by which clients reach it; several may be given\n"
     "  --listen ADDRESS:PORT  (127.0.0.1:8443)\n"
     "  --name NAME            in tokens and in the log: a URI (https://HOST)\n"
     "  --certificate FILE --tls-key FILE  not a self-signed one\n"
     "  --plain                no TLS: for this host alone\n"
     "  --database WHERE       sqlite:PATH, or postgres:CONNINFO\n"
     "  --keys WHERE           who wraps the keys: file:PATH, pkcs11:..., tpm:..., "
     "vault:...\n"
     "  --pin-file FILE        for keys that need one\n"
     "  --operator FILE        the operator's public key; without it a pair is made\n"
     "  --metrics ADDRESS:PORT serve Prometheus' metrics there\n"
     "  --user USER            whom the broker becomes, when root starts it\n",
     cmd_broker},
    {"build",
     "[OPTION...] -- PROGRAM [ARGUMENT...] | CONTAINER-IMAGE [OPTION...] [-- "
     "ARGUMENT...]",
     "pack a program, or a container image, into an image",
     "  -o, --output FILE      the image (NAME.tobi); its policy is written beside it\n"
     "  --root FOLDER          a root folder instead of a program of this host\n"
     "  --oci PATH             a container image: an OCI layout (folder or archive), or "
     "what\n"
     "                         docker save or podman save wrote; --oci may be left out\n"
     "  --ref NAME|DIGEST      which image in it\n"
     "  --platform OS/ARCH     linux/amd64 or linux/arm64 (this machine's)\n"
     "  --entrypoint PATH      instead of the container image's\n"
     "  --add PATH[:INSIDE]    a file or folder more\n"
     "  --tier soft            a policy that accepts this host without TEE hardware\n"
     "  --port N               a TCP port on which the program listens\n"
     "  --egress HOST:PORT[=LOCALPORT][,policy=PATH|launch]\n"
     "                         a way out, at 127.0.0.1:LOCALPORT (PORT) inside: plain "
     "bytes,\n"
     "                         or attested TLS to an enclave that meets a policy\n"
     "  --client-policy PATH   what clients must prove; launch: the launch says it;\n"
     "                         program: the program judges it\n"
     "  --env NAME=VALUE       environment\n"
     "  --user UID[:GID]       the program's user (1000)\n"
     "  --directory PATH       where it starts (/home)\n"
     "  --writable PATH        a writable path more (beside /home /run /tmp /var)\n"
     "  --writable-size SIZE   for all of them together (64M)\n"
     "  --memory SIZE          (512M)   --cpus N        (2)\n"
     "  --processes N          (256)    --files N       (1024)\n"
     "  --secret NAME          a secret to wait for before the start\n"
     "  --product N, --svn N   product id and security version\n"
     "  --key FILE             sign with this key\n"
     "  --policy FILE          where the policy is written\n"
     "  --config-id HEX        what a launch adds, which the policy then names "
     "(nothing)\n"
     "  --name NAME, --discard-output, --debug\n"
     "  --quiet                say nothing\n",
     cmd_build},
    {"certificate",
     "put-profile SCOPE FILE | list-profiles | delete-profile SCOPE |\n"
     "       ca [--request] [-o FILE] | import-ca FILE | new-ca |\n"
     "       request NAME --csr FILE --broker HOST:PORT --broker-key KEY [-o FILE]",
     "which names your enclaves get certificates for from a broker, and their CA",
     "  put-profile SCOPE FILE  names (JSON) for enclaves that the policy of a name in\n"
     "                          REPOSITORY[/TYPE[/TAG]] accepts\n"
     "  list-profiles           all of yours\n"
     "  delete-profile SCOPE    what has no profile gets no certificate\n"
     "  ca                      the certificate of your enclaves' CA, for their clients\n"
     "  --request               instead, a request (CSR) for another CA to sign\n"
     "  import-ca FILE          what that one signed, and the CAs above it (PEM)\n"
     "  new-ca                  another key and certificate from now on\n"
     "  request NAME            for this machine, whose hardware proves what it runs: "
     "the\n"
     "                          request (CSR) of --csr is signed; takes what `secret\n"
     "                          fetch` takes\n"
     "  -o, --output FILE       where to write it (standard output)\n"
     "  --broker URL            the broker (TOBICHI_BROKER)\n"
     "  --broker-key KEY, --broker-policy FILE  of request: who the broker is\n"
     "  --key FILE              your private key\n"
     "  --tls-ca FILE           whom to trust for its TLS, not the system's CAs\n"
     "  --json                  as JSON\n",
     cmd_certificate},
    {"collateral",
     "show PATH... [--json] [--at TIME]\n"
     "       fetch [EVIDENCE | --fmspc HEX [--tdx] [--ca NAME] |\n"
     "              --product NAME [--vlek | --chip HEX --tcb HEX]] [-o FOLDER] "
     "[SOURCE]\n"
     "       bundle -o FILE --key FILE PATH...\n"
     "       update BUNDLE --key FILE [SOURCE]",
     "what the makers of hardware publish, for verifiers",
     "  show PATH...   what files, folders and bundles hold, and until when\n"
     "  fetch          what a quote or report needs, or a platform, into the cache;\n"
     "                 EVIDENCE is in any form that `tobichi verify` reads\n"
     "  bundle         one signed file of it\n"
     "  update BUNDLE  fetch again what is in it, and sign it again\n"
     "  --json         as JSON\n"
     "  --at TIME      as of 2026-05-17T12:00:00Z, not now\n"
     "  --fmspc HEX    a platform of Intel's; --tdx: for TDX, not SGX\n"
     "  --ca NAME      its issuer: platform or processor; both without it\n"
     "  --product NAME a product of AMD's: Milan, Genoa, Turin\n"
     "  --vlek         the issuers of VLEKs, not of VCEKs\n"
     "  --chip HEX --tcb HEX  one chip's certificate at a TCB version\n"
     "  -o, --output PATH  the bundle; of fetch a folder: write files, too\n"
     "  --key FILE     the key to sign with (`tobichi keygen`)\n"
     "SOURCE:\n"
     "  --pcs URL      a PCCS, not Intel's service; --kds URL: a cache of AMD's\n"
     "  --rim URL      NVIDIA's reference values; --ocsp URL: its answers (OCSP)\n"
     "  --tls-ca FILE  whom to trust for its TLS, not the system's CAs\n"
     "  --root FILE    the vendor's root, where it is not the real one\n"
     "  --cache FOLDER where to keep what was fetched\n"
     "  --timeout S    for one document, all tries together (30)\n"
     "  --max-age S    ask again for what was fetched longer ago (86400)\n"
     "  --grace S      how long a document is used after its date (0)\n",
     cmd_collateral},
    {"connect", "HOST:PORT --policy FILE [--listen ADDR:PORT | -- COMMAND [ARG...]]",
     "open a channel to an enclave that has proven itself",
     "  --policy FILE       what the enclave must prove\n"
     "  --listen ADDR:PORT  open a local port, once the enclave is accepted\n"
     "  -- COMMAND          run a command with the session as its standard streams\n"
     "  --key FILE          this client's private key\n"
     "  --name HOST         the name that a certificate must have (identity: ca)\n"
     "  --collateral PATH   what the hardware's makers publish about it: a file, a "
     "folder\n"
     "  --cache[=FOLDER]    what `tobichi collateral fetch` has kept\n"
     "  --verbose           list every check\n"
     "  --quiet             after an acceptance, only warn of what the policy allows\n"
     "Inside an enclave the session is the agent's, which attests too; there are only\n"
     "--policy (unless the image has one), --listen, --quiet and a command.\n",
     cmd_connect},
    {"corim",
     "show FILE... [--json]\n"
     "       sign FILE --key FILE [--name TEXT] [--uri URI] [--from TIME] [--until "
     "TIME]\n"
     "            [--chain FILE] [-o FILE]\n"
     "       verify FILE [--signer FILE|HEX]... [--at TIME] [--unsigned]",
     "reference values: what evidence should show",
     "  show FILE...   what a CoRIM says, signed or not; nothing is proven\n"
     "  sign FILE      sign it, as COSE_Sign1\n"
     "  verify FILE    who has signed it, and whether it is valid now\n"
     "  --json         as JSON\n"
     "  --key FILE     the key to sign with (`tobichi keygen`)\n"
     "  --name TEXT    who signs, for people\n"
     "  --uri URI      where to learn more of them\n"
     "  --from TIME, --until TIME  when the signature counts: 2026-05-17T12:00:00Z\n"
     "  --chain FILE   the key's certificate and those above it (PEM), to go with it\n"
     "  -o, --output FILE  write there; FILE itself otherwise\n"
     "  --signer FILE|HEX  who may sign: a PEM key, a certificate or CA, or a signer id\n"
     "  --at TIME      as of then, not now\n"
     "  --unsigned     accept what nobody signed\n",
     cmd_corim},
    {"counter", "read | increment NAME [--to POLICY] [--signer HEX]",
     "inside an enclave: a counter that only goes up",
     "  read       print its value; 0 when it was never incremented\n"
     "  increment  add one, and print the new value once it is on the disk\n"
     "  --to POLICY   whose it is: image (the default) or signer\n"
     "  --signer HEX  which signer, where several have signed the image\n"
     "  --quiet       do not say when a restored backup would not be noticed\n",
     cmd_counter},
    {"help", "[COMMAND]", "list the commands, or explain one", "", cmd_help},
    {"inspect", "IMAGE [--json]", "measure an image, and show what it holds",
     "  --json  as JSON\n", cmd_inspect},
    {"keygen", "[-o NAME] [--type p256|p384|ed25519]", "make a key pair",
     "  -o, --output NAME  NAME.key and NAME.pub (tobichi)\n"
     "  --type TYPE        p256, p384 (the default) or ed25519\n",
     cmd_keygen},
    {"log",
     "prove INDEX --broker URL [--key FILE] [--log-key FILE|HEX] [-o FILE]\n"
     "       prove --since HEAD --broker URL [--log-key FILE|HEX] [-o FILE]\n"
     "       verify FILE... --log-key FILE|HEX [--head FILE]\n"
     "       follow --broker URL --state FILE [--log-key FILE|HEX] [--once]\n"
     "              [--entries [--key FILE]]\n"
     "       evidence DIGEST --broker URL --key FILE [-o FILE]\n"
     "       retention [SECONDS] --broker URL --key FILE",
     "a key broker's log of decisions: what is in it, and that nothing was rewritten",
     "  prove INDEX     an entry, and the proof that it is in the log, into a file\n"
     "  prove --since HEAD  the proof that the log has grown out of an earlier head\n"
     "  verify FILE...  such files, without a network\n"
     "  follow          look again and again whether it is still the same log; an alarm "
     "is\n"
     "                  exit status 1\n"
     "  evidence DIGEST  what an entry was decided on, as long as it is kept\n"
     "  retention [SECONDS]  how long your evidence is kept; 0: never\n"
     "  --broker URL    the key broker; --tls-ca FILE: whom to trust for its TLS\n"
     "  --key FILE      the private key of an owner, who sees what his entries say\n"
     "  --log-key FILE|HEX  the log's public key, or its id\n"
     "  --head FILE     a head that the files must be of, too (follow's state)\n"
     "  --state FILE    where follow keeps the newest head that it has accepted\n"
     "  --interval S    between two looks (60)\n"
     "  --max-age S     a head that is older is an alarm\n"
     "  --once          one look\n"
     "  --entries       read every entry, too\n"
     "  -o, --output FILE  the proof (entry-INDEX.proof, since-SIZE.proof), the "
     "evidence\n"
     "  --json          as JSON\n",
     cmd_log},
    {"logs", "ENCLAVE [-f]", "show what a detached enclave has printed",
     "  -f, --follow  and what it prints, until it ends\n", cmd_logs},
    {"owner",
     "add NAME --owner-key FILE... [--repository NAME]... | list [NAME] |\n"
     "       remove NAME [--with-secrets] | add-key NAME FILE | remove-key NAME "
     "FILE|ID |\n"
     "       add-repository NAME REPOSITORY | remove-repository NAME REPOSITORY | "
     "whoami | login",
     "who administers what at a broker",
     "  add NAME           the operator: an owner, with its public keys and "
     "repositories\n"
     "  list [NAME]        owners, their repositories and keys\n"
     "  remove NAME        the operator: an owner that has no secrets\n"
     "  --with-secrets     and its secrets and policies with it\n"
     "  add-key NAME FILE  the owner itself: another public key\n"
     "  remove-key NAME FILE|ID  the owner or the operator: it counts no more\n"
     "  add-repository NAME REPOSITORY     the operator: one that is nobody's\n"
     "  remove-repository NAME REPOSITORY  the operator: one that is empty\n"
     "  whoami             as whom the broker knows this key\n"
     "  login              a link to the broker's web page, which logs in once\n"
     "  --owner-key FILE   add: a public key (`tobichi keygen`)\n"
     "  --repository NAME  add: a repository that shall be the owner's\n"
     "  --broker URL       the broker (TOBICHI_BROKER)\n"
     "  --key FILE         your own private key\n"
     "  --tls-ca FILE      whom to trust for its TLS, not the system's CAs\n"
     "  --json             as JSON\n",
     cmd_owner},
    {"platform",
     "init | status | anchor | csr | certify CHAIN | migrate --to KIND |\n"
     "                        ak-request | ak-challenge REQUEST | ak-activate CHALLENGE",
     "this host's root of trust",
     "  init           make platform CA, platform certificate and seal root\n"
     "  status         show them, and the service\n"
     "  anchor         the platform CA (PEM): what a policy of this host trusts\n"
     "  csr            a request for an owner's CA (PEM)\n"
     "  certify CHAIN  keep the owner's answer (PEM, leaf first)\n"
     "  migrate        move to another provider: new keys, and the seal root where it "
     "can leave\n"
     "  ak-request     a request to certify the TPM's attestation key\n"
     "  ak-challenge REQUEST  the owner's answer, which only that TPM can open\n"
     "  ak-activate CHALLENGE  have the TPM open it, and keep the certificate\n"
     "  --root KIND    init: who holds the keys: file (the default), tpm or pkcs11\n"
     "  --to KIND      migrate: who shall hold them\n"
     "  --device DEVICE  pkcs11: the token's module, a shared object; tpm: device:PATH "
     "(/dev/tpmrm0)\n"
     "                   or swtpm:path=SOCKET\n"
     "  --token LABEL  pkcs11: the token's label or serial number\n"
     "  --pin-file FILE  pkcs11: its PIN; mode 0600, read at each start. tpm: the "
     "owner's authorisation\n"
     "  --pcrs LIST    tpm: PCRs to quote beside 0 to 7, such as 11,14\n"
     "  --ek-roots FILE  ak-challenge: CAs of TPM makers (PEM)\n"
     "  --ek-key FILE  ak-challenge: the TPM's endorsement key itself, on your word\n"
     "  --ca-key FILE, --ca-cert FILE  ak-challenge: the owner's CA\n"
     "  --new-seal-root  migrate: what enclaves have sealed here may be lost\n"
     "  --json         status: as JSON\n"
     "  -o, --output FILE  anchor, csr, ak-request, ak-challenge: write to a file\n",
     cmd_platform},
    {"ps", "[--json]", "list the running enclaves", "  --json  as JSON\n", cmd_ps},
    {"run", "[OPTION...] IMAGE | [OPTION...] -- PROGRAM [ARGUMENT...]",
     "run an image, or a program of this host, in an enclave",
     "  -p, --publish [ADDRESS:]PORT[:INNER]  attested TLS on this port of the host\n"
     "  -d, --detach            print the enclave's id and return\n"
     "  --env NAME=VALUE, --arg ARGUMENT      added at launch; part of the config id\n"
     "  --name NAME\n"
     "  --owner FILE            public key of who may send secrets; part of the config "
     "id\n"
     "  --ra-tls                serve others' TLS clients too, by a certificate with "
     "evidence\n"
     "  --egress-policy HOST:PORT=FILE, --client-policy FILE\n"
     "                          where the image leaves a policy to the launch; part of "
     "the config id\n"
     "  --broker HOST:PORT --broker-secrets REPOSITORY/TYPE\n"
     "      --broker-key FILE|HEX | --broker-policy FILE\n"
     "                          each secret NAME that the image declares is fetched "
     "there,\n"
     "                          as REPOSITORY/TYPE/NAME; part of the config id\n"
     "  --broker-counters REPOSITORY/TYPE\n"
     "                          counters of the program are that broker's, not this "
     "host's\n"
     "  --print-config-id       only say the config id of these options\n"
     "After -- the program is packed first, for this host (tier soft):\n"
     "  --add PATH[:INSIDE]     a file or folder more\n"
     "  --port N                a TCP port on which it listens (of --publish otherwise)\n"
     "  --policy-out FILE       write the policy that accepts it\n",
     cmd_run},
    {"seal", "[--to POLICY] [--signer HEX] [--aad TEXT] [-o FILE] [FILE]",
     "inside an enclave: seal a file for this image, or its signer",
     "  --to POLICY        who can open it: image (the default) or signer\n"
     "  --signer HEX       which signer, where several have signed the image\n"
     "  --aad TEXT         bound to it, not in it: unseal must give the same\n"
     "  -o, --output FILE  the sealed object (standard output)\n"
     "  FILE               what is sealed, at most 16 MiB (standard input)\n",
     cmd_seal},
    {"secret",
     "put NAME [FILE] [--policy FILE] [--expires TIME] [--releases N] |\n"
     "       rotate NAME [FILE] [--grace SECONDS] [--expires TIME] [--releases N] |\n"
     "       list [NAME] | delete NAME [--version N] | show-policy NAME |\n"
     "       put-policy NAME FILE | delete-policy NAME | list-counters | delete-counter "
     "NAME |\n"
     "       fetch NAME --broker HOST:PORT --broker-key KEY --output FILE",
     "your secrets at a broker, and for whom they are released",
     "  put NAME [FILE]     a secret REPOSITORY/TYPE/TAG from a file that only you may "
     "read,\n"
     "                      or from standard input\n"
     "  rotate NAME [FILE]  a new version; older ones expire after the grace\n"
     "  list [NAME]         versions, until when, how many releases are left; never the "
     "content\n"
     "  delete NAME         with all versions and its own policy\n"
     "  show-policy NAME    the policy that counts for it\n"
     "  put-policy NAME FILE  the policy of a secret, of REPOSITORY/TYPE or of "
     "REPOSITORY\n"
     "  delete-policy NAME  what has no policy is not released\n"
     "  fetch NAME          for this machine, whose hardware proves what it runs: with\n"
     "                      --broker HOST:PORT; --broker-key KEY, --broker-policy FILE\n"
     "                      (and --collateral FILE) or --ca FILE (and --name NAME);\n"
     "                      --output FILE; and attest's --platform, --device, --logs,\n"
     "                      --metadata, --privilege, --quote-service, --timeout\n"
     "  list-counters       counters for sealed state, that your enclaves have there\n"
     "  delete-counter NAME  it begins anew, for whoever comes first\n"
     "  counter read|increment NAME  this machine's own, for sealed state: takes what "
     "fetch\n"
     "                      takes, and --to image|signer, --signer HEX\n"
     "  --policy FILE       what an enclave must prove, as of `tobichi build`\n"
     "  --expires TIME      2026-05-17T12:00:00Z, or +SECONDS from now\n"
     "  --releases N        how often it is released, at most\n"
     "  --grace SECONDS     how long older versions count (0)\n"
     "  --version N         delete, fetch: an older version only\n"
     "  --broker URL        the broker (TOBICHI_BROKER)\n"
     "  --key FILE          your private key\n"
     "  --tls-ca FILE       whom to trust for its TLS, not the system's CAs\n"
     "  --json              as JSON\n",
     cmd_secret},
    {"send", "HOST:PORT --policy FILE [--key FILE] NAME=FILE...",
     "hand secrets to an enclave that has proven itself",
     "  --policy FILE  what the enclave must prove\n"
     "  --key FILE     the owner's private key, where the launch config names an owner\n"
     "  --name HOST    the name that a certificate must have (identity: ca)\n"
     "  --collateral P what the hardware's makers publish about it: a file, a folder\n"
     "  --cache[=DIR]  what `tobichi collateral fetch` has kept\n"
     "  --verbose      list every check\n"
     "  --quiet        say nothing after an acceptance\n"
     "  NAME=FILE      a file that only you may read; - for standard input\n",
     cmd_send},
    {"sign", "IMAGE --key FILE", "add a signature to an image",
     "  --key FILE  a private key, as of `tobichi keygen`\n", cmd_sign},
    {"stop", "ENCLAVE... [--grace SECONDS]", "stop enclaves",
     "  --grace SECONDS  from SIGTERM to SIGKILL (10)\n", cmd_stop},
    {"trust", "POLICY [--json | --html] [-o FILE]",
     "show whom a policy trusts, and what would make that less",
     "  --json             as JSON\n"
     "  --html             one self-contained page\n"
     "  -o, --output FILE  write to a file\n",
     cmd_trust},
    {"unseal", "[--aad TEXT] [-o FILE] [FILE]", "inside an enclave: open a sealed object",
     "  --aad TEXT         what it was sealed with\n"
     "  -o, --output FILE  the content (standard output)\n"
     "  FILE               the sealed object (standard input)\n",
     cmd_unseal},
    {"verify",
     "EVIDENCE... --policy FILE [--nonce HEX] [--at TIME] [--with FILE]...\n"
     "                      [--collateral PATH]... [--cache[=FOLDER]]\n"
     "                      [--secret FILE] [--json | --html] [-o FILE]\n"
     "                      [--extract-tpm FOLDER]\n"
     "                      [--ear FILE --ear-key FILE [--ear-format FORM]\n"
     "                      [--ear-profile PROFILE] [--ear-certificate FILE]\n"
     "                      [--ear-verifier NAME] [--ear-lifetime SECONDS]]",
     "appraise evidence, whatever its kind and form, and explain the verdict",
     "  EVIDENCE       a file: a collection, a certificate, or what hardware gives; as\n"
     "                 bytes, hexadecimal, base64 or armour; of several, or of a "
     "folder,\n"
     "                 comes a table; a folder with one has what belongs to it beside "
     "it\n"
     "  --policy FILE  what the evidence must prove\n"
     "  --nonce HEX    the nonce that you chose\n"
     "  --at TIME      appraise as of 2026-05-17T12:00:00Z, not now\n"
     "  --with FILE    what came beside it: certificates, a signature, an event log\n"
     "  --collateral PATH  what the vendors publish: a file, a folder or a bundle\n"
     "  --cache[=FOLDER]  what `tobichi collateral fetch` has kept\n"
     "  --secret FILE  a key that only you and the platform have (SEV: the TIK)\n"
     "  --json         an EAR claims-set, unsigned; of several, one object a line\n"
     "  --html         one self-contained page\n"
     "  -o, --output FILE  write to a file\n"
     "  --extract-tpm FOLDER  write a TPM's quote as files, for tpm2_checkquote\n"
     "  --ear FILE     the verdict, signed for others (EAR)\n"
     "  --ear-key FILE  the private key that signs it\n"
     "  --ear-format FORM  jwt (as is), cwt, or one of them wrapped: cmw-json, cmw\n"
     "  --ear-profile PROFILE  new (as is), or veraison, for those who read that\n"
     "  --ear-certificate FILE  of that key, PEM, to go with it\n"
     "  --ear-verifier NAME  as whom you sign; often a URI\n"
     "  --ear-lifetime SECONDS  after which it expires\n",
     cmd_verify},
    {"version", "", "print the version", "", cmd_version},
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static void print_overview(FILE *stream)
{
	fprintf(
	    stream,
	    "Usage: tobichi COMMAND ...\n\n"
	    "Runs programs in enclaves, proves what runs, and opens channels only to\n"
	    "what was proven.\n\nCommands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (commands[i].run)
			fprintf(stream, "  %-9s %s\n", commands[i].name,
				commands[i].summary);
	}
	fprintf(stream,
		"\n`tobichi help COMMAND` explains one; the manual is tobichi(1).\n");
}

int cmd_help(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_overview(stdout);
		return EXIT_ACCEPTED;
	}
	command = find_command(argv[1]);
	if (!command)
		return cli_error("there is no command '%s'; `tobichi help` lists them",
				 argv[1]);
	printf("tobichi %s: %s\n\nUsage: tobichi %s %s\n", command->name,
	       command->summary, command->name, command->synopsis);
	if (command->options[0])
		printf("\nOptions:\n%s", command->options);
	printf("\nThe manual is tobichi-%s(1).\n", command->name);
	return EXIT_ACCEPTED;
}

int cmd_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return cli_usage("version", "it takes no argument");
	printf("tobichi " TOBICHI_VERSION "\n");
	return EXIT_ACCEPTED;
}

/* A descriptor opened later must not become a standard stream that the caller closed. */
static bool have_streams(void)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (!have_streams())
		return EXIT_ERROR;
	if (argc < 2) {
		print_overview(stderr);
		return EXIT_ERROR;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return cmd_help(1, argv);
	if (strcmp(argv[1], "--version") == 0)
		return cmd_version(1, argv);
	command = find_command(argv[1]);
	if (!command)
		return cli_error("there is no command '%s'; `tobichi help` lists them",
				 argv[1]);
	if (argc > 2 && strcmp(argv[2], "--help") == 0) {
		argv[2] = argv[1];
		return cmd_help(2, &argv[1]);
	}
	/* The tool inside an enclave has only those that ask its agent. */
	if (!command->run)
		return cli_error("'%s' is not there inside an enclave; `tobichi help` "
				 "lists what is",
				 argv[1]);
	return command->run(argc - 1, argv + 1);
}
