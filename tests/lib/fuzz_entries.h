/* What a fuzzer may throw at us, a function for each kind of input. They are called by tests/fuzz
 * (libFuzzer makes the inputs) and by the suite fuzz_finds (the inputs that once broke something).
 * What must hold is asserted within; any input is fine, so they return nothing. */
#ifndef FUZZ_ENTRIES_H
#define FUZZ_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Given the bytes of a first input, worth changing. */
typedef void fuzz_seed_fn(void *arg, const void *bytes, size_t len);

struct fuzz_entry {
	const char *name; /* of the target, and of its folder in tests/data/fuzz */
	void (*run)(const uint8_t *, size_t);
	void (*seeds)(fuzz_seed_fn *, void *arg);
	size_t max_len;   /* of an input that the fuzzer should try */
};

extern const struct fuzz_entry fuzz_entries[];
extern const size_t fuzz_nentries;
const struct fuzz_entry *fuzz_find_entry(const char *name); /* NULL: none of that name */

/* ---- for the entries themselves ---- */

/* An input, eaten from the front; behind its end there are zeros. */
struct fuzz_in {
	const uint8_t *p;
	size_t n;
};
uint8_t fuzz_u8(struct fuzz_in *);
uint16_t fuzz_u16(struct fuzz_in *);
uint32_t fuzz_u32(struct fuzz_in *);
size_t fuzz_take(struct fuzz_in *, void *to, size_t max); /* the bytes there were */

FILE *fuzz_nowhere(void); /* takes text, keeps none */
/* Every file below a folder whose name ends so, as a seed behind `prefix`; none over max bytes. */
void fuzz_seed_files(fuzz_seed_fn *, void *arg, const char *folder, const char *suffix, const char *prefix,
		     size_t max);

void fuzz_wire(const uint8_t *, size_t);
void fuzz_wire_seeds(fuzz_seed_fn *, void *arg);
void fuzz_stack(const uint8_t *, size_t);
void fuzz_stack_seeds(fuzz_seed_fn *, void *arg);
void fuzz_vnet(const uint8_t *, size_t);
void fuzz_vnet_seeds(fuzz_seed_fn *, void *arg);
void fuzz_capture(const uint8_t *, size_t);
void fuzz_capture_seeds(fuzz_seed_fn *, void *arg);
void fuzz_flow(const uint8_t *, size_t);
void fuzz_flow_seeds(fuzz_seed_fn *, void *arg);
void fuzz_pem(const uint8_t *, size_t);
void fuzz_pem_seeds(fuzz_seed_fn *, void *arg);
void fuzz_tls(const uint8_t *, size_t);
void fuzz_tls_seeds(fuzz_seed_fn *, void *arg);

#endif
