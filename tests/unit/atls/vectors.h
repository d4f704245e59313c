/* The check values of attested TLS, section 5.3, and the TLS 1.3 exporter behind them. */
#ifndef TESTS_ATLS_VECTORS_H
#define TESTS_ATLS_VECTORS_H

#include "atls/binding.h"

#define VECTOR_OFFER                                                                     \
	"0000004ea700010101025820000102030405060708090a0b0c0d0e0f101112131415161718191a" \
	"1b"                                                                             \
	"1c1d1e1f030104010582697464782d71756f74656a736e702d7265706f7274068168687474702f" \
	"31"                                                                             \
	"2e31"
#define VECTOR_ANSWER                                                                    \
	"00000043a700020101025820202122232425262728292a2b2c2d2e2f303132333435363738393a" \
	"3b"                                                                             \
	"3c3d3e3f0301040105816a736e702d7265706f72740668687474702f312e31"
#define VECTOR_CTX "ee3a401d42a363355a875fab6e4626a58367bca4fd3af7809045019596b1a255"
#define VECTOR_SERVER_EKM                                                                \
	"67aad0730796ef0e05fc06f8873a029f43551ef5b4cf2107a868b149337f314c"
#define VECTOR_SERVER_BINDER                                                             \
	"00089ddbf8089d3d6089eeceb731fdd58e952958b907eb16d4fff277043a78e0"
#define VECTOR_SERVER_BINDER_ALONE                                                       \
	"7ef1e36c6271a77f46bb4592f5ae4383786eb615fed6177e5156d9b1fe9653c8"
#define VECTOR_SERVER_CLAIMS                                                             \
	"a3656e6f6e63655820000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d" \
	"1e"                                                                             \
	"1f6b7075626b65792d686173685824820158209ab5c8f3d33cf2e32ef4efb304674e2846a76b4c" \
	"f2"                                                                             \
	"cd3fa67cf614b25369a9f46c746f62696368692d61746c735825830102582000089ddbf8089d3d" \
	"60"                                                                             \
	"89eeceb731fdd58e952958b907eb16d4fff277043a78e0"
#define VECTOR_SERVER_B "7958a20d4be1fd5a8c7e3db695fd3625c35c071533ee5cb20d4965b3a3a9bea3"
#define VECTOR_CLIENT_EKM                                                                \
	"3f4448e0cc5ac2ae0eb1ce92e41076c412deb873bde3c24d44b7e2d8d8167109"
#define VECTOR_CLIENT_BINDER                                                             \
	"e7aada888e60f037c339eedd368653bacbd74166dccac31ef16f60fe2b1d24ff"
#define VECTOR_CLIENT_B "d468ec78727843587d5ab64ba0a05e5700c5dfb793b87dbf5eb78d55c3641be9"

/* TLS-Exporter of RFC 8446 section 7.5 over an exporter secret of 32 bytes, SHA-256. */
void vector_exporter(const uint8_t secret[static 32], const char *label,
		     const uint8_t ctx[static 32], uint8_t ret_key[static 32]);
/* An exporter over 32 bytes that context points to. */
enum tobi_err vector_export(void *context, const char *label,
			    const uint8_t over[static 32], uint8_t ret_key[static 32],
			    struct tobi_fault *fault);

/* Bytes of a hexadecimal text; NUL-terminated static-size buffers of the caller. */
size_t vector_read(const char *hex, uint8_t *ret_out, size_t room);

#endif
