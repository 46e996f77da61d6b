/* Memory that runs out when a test says so: the linker sends every malloc, calloc and realloc of the
 * program through here. */
#ifndef NOMEM_H
#define NOMEM_H

#include <stdint.h>

/* The n-th allocation from now and the `count` - 1 after it fail; n 0: none. */
void nomem_fail(uint64_t n, uint64_t count);
uint64_t nomem_failed(void); /* how many did, since nomem_fail */

#endif
