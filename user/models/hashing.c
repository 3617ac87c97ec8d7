/* SPDX-License-Identifier: Apache-2.0 */
#include "models/hashing.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

EVP_MD *hashing_open(void)
{
	/* Start-up is part of the measured time: no openssl.cnf, no engines, no error strings. */
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL))
		return NULL;
	/* EVP_sha256() would be fetched anew for every hash. */
	return EVP_MD_fetch(NULL, "SHA256", NULL);
}

void hashing_close(EVP_MD *md)
{
	EVP_MD_free(md);
}

int hasher_open(struct hasher *hasher, const EVP_MD *md)
{
	*hasher = (struct hasher){.md = md, .ctx = EVP_MD_CTX_new()};
	return hasher->ctx ? 0 : -ENOMEM;
}

void hasher_close(struct hasher *hasher)
{
	EVP_MD_CTX_free(hasher->ctx);
	hasher->ctx = NULL;
}

/* splitmix64's finalizer: neighbouring tasks get unrelated seeds. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

void hasher_seed(struct hasher *hasher, unsigned int task)
{
	uint64_t seed[2] = {mix(2 * (uint64_t)task), mix(2 * (uint64_t)task + 1)};

	memcpy(hasher->data, seed, sizeof(seed));
	hasher->bytes = sizeof(seed);
}

int hasher_step(struct hasher *hasher)
{
	if (!EVP_DigestInit_ex(hasher->ctx, hasher->md, NULL) || !EVP_DigestUpdate(hasher->ctx, hasher->data, hasher->bytes) ||
	    !EVP_DigestFinal_ex(hasher->ctx, hasher->data, &hasher->bytes))
		return -EIO;
	return 0;
}

int hasher_chain(struct hasher *hasher, unsigned int task, unsigned int iterations, uint64_t *digest)
{
	hasher_seed(hasher, task);
	for (unsigned int i = 0; i < iterations; i++) {
		int rc = hasher_step(hasher);

		if (rc)
			return rc;
	}
	*digest += hasher_result(hasher);
	return 0;
}

uint64_t hasher_result(const struct hasher *hasher)
{
	uint64_t result;

	memcpy(&result, hasher->data, sizeof(result));
	return result;
}
