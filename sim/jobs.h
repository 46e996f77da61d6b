/* Many runs over several processes: tasks that know nothing of each other, each with a result of one
 * fixed size. A process that dies takes only its own task with it, and that is told. */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOBS_MAX 64
#define JOBS_RESULT_MAX 2048

typedef void jobs_fn(void *arg, uint64_t task, void *result);

struct jobs {
	uint64_t first, n;  /* tasks first .. first + n - 1 */
	int workers;        /* 1 to JOBS_MAX */
	jobs_fn *run;       /* in a process of its own */
	void *arg;
	void *result;       /* n entries, lent */
	size_t result_size; /* of each, up to JOBS_RESULT_MAX */
	bool *done;         /* n entries, lent: false: the process died in this task */
	bool progress;      /* a line on stderr, once a second */
};

/* False: no process could be started. */
bool jobs_run(struct jobs *);
/* -j N: false: no number from 1 to JOBS_MAX. */
bool jobs_workers(const char *text, int *workers);

#endif
