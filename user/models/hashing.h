/* SPDX-License-Identifier: Apache-2.0 */
/* The talk's hash_me(): chained SHA-256 of a 16-byte seed, through OpenSSL EVP. Seeds depend on the task alone. */
#ifndef CONCPROF_MODELS_HASHING_H
#define CONCPROF_MODELS_HASHING_H

#include <stdint.h>

#include <openssl/types.h>

/* The algorithm, looked up once: shared by all threads, which only read it. NULL if OpenSSL has none. */
EVP_MD *hashing_open(void);
void hashing_close(EVP_MD *md);

/* One chain; used by one thread at a time. */
struct hasher {
	const EVP_MD *md; /* not owned */
	EVP_MD_CTX *ctx;
	unsigned int bytes;     /* in use of data */
	unsigned char data[32]; /* the seed, then the latest hash */
};

int hasher_open(struct hasher *hasher, const EVP_MD *md);
void hasher_close(struct hasher *hasher);

void hasher_seed(struct hasher *hasher, unsigned int task);
/* One link of the chain. 0 or -EIO. */
int hasher_step(struct hasher *hasher);
/* The whole chain of `task`; adds to *digest what the task contributes to ledger.digest. */
int hasher_chain(struct hasher *hasher, unsigned int task, unsigned int iterations, uint64_t *digest);
/* What a finished chain contributes; contributions are added up, so that their order does not matter. */
uint64_t hasher_result(const struct hasher *hasher);

#endif
