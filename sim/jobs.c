/* See jobs.h. Worker k of n does the tasks k, k + n, k + 2n ... in order, and writes (task, result)
 * into a pipe that all share: what is below PIPE_BUF arrives in one piece. Where a worker dies, a new
 * one goes on behind the task that killed it. */
#include "jobs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../stack/base/check.h"
#include "units.h"

struct message {
	uint64_t task;
	uint8_t result[JOBS_RESULT_MAX];
};

static_assert(sizeof(struct message) <= PIPE_BUF, "a message is written in one piece");

struct worker {
	pid_t pid;
	uint64_t next; /* the task that it does now */
};

static size_t message_size(const struct jobs *j)
{
	return offsetof(struct message, result) + j->result_size;
}

static _Noreturn void work(const struct jobs *j, uint64_t from, int to)
{
	struct message m;

	for (uint64_t i = from; i < j->n; i += (uint64_t)j->workers) {
		memset(&m, 0, sizeof(m));
		m.task = i;
		j->run(j->arg, j->first + i, m.result);
		if (write(to, &m, message_size(j)) != (ssize_t)message_size(j))
			_exit(1);
	}
	_exit(0);
}

static bool start(const struct jobs *j, struct worker *w, int pipe_end[2])
{
	fflush(NULL); /* what is buffered is not to be written twice */
	w->pid = fork();
	if (w->pid != 0)
		return w->pid > 0;
	close(pipe_end[0]);
	work(j, w->next, pipe_end[1]);
}

static bool take(struct jobs *j, struct worker *w, int from)
{
	struct message m;

	if (read(from, &m, message_size(j)) != (ssize_t)message_size(j))
		return false;
	memcpy((char *)j->result + m.task * j->result_size, m.result, j->result_size);
	j->done[m.task] = true;
	w[m.task % (uint64_t)j->workers].next = m.task + (uint64_t)j->workers;
	return true;
}

static void show_progress(uint64_t done, uint64_t n)
{
	static time_t last;
	time_t now = time(NULL);

	if (now == last)
		return;
	last = now;
	fprintf(stderr, "\r%llu of %llu runs ", (unsigned long long)done, (unsigned long long)n);
}

/* All that the workers have to say; the pipe ends when the last of them does. */
static bool round_of(struct jobs *j, struct worker *w, uint64_t *taken)
{
	int pipe_end[2], running = 0;

	if (pipe(pipe_end) != 0)
		return false;
	for (int i = 0; i < j->workers; i++) {
		w[i].pid = 0;
		if (w[i].next < j->n && start(j, &w[i], pipe_end))
			running++;
	}
	close(pipe_end[1]);
	while (running > 0 && take(j, w, pipe_end[0])) {
		++*taken;
		if (j->progress)
			show_progress(*taken, j->n);
	}
	close(pipe_end[0]);
	for (int i = 0; i < j->workers; i++)
		if (w[i].pid > 0)
			waitpid(w[i].pid, NULL, 0);
	return running > 0;
}

bool jobs_run(struct jobs *j)
{
	struct worker w[JOBS_MAX];
	uint64_t taken = 0;
	bool again = true, ok = true;

	assert(j->workers >= 1 && j->workers <= JOBS_MAX);
	assert(j->result_size <= JOBS_RESULT_MAX);
	memset(j->done, 0, j->n * sizeof(*j->done));
	for (int i = 0; i < j->workers; i++)
		w[i].next = (uint64_t)i;
	while (again && ok) {
		ok = round_of(j, w, &taken);
		again = false;
		for (int i = 0; i < j->workers; i++)
			if (w[i].next < j->n) {
				if (w[i].pid > 0) /* it died there */
					w[i].next += (uint64_t)j->workers;
				again |= w[i].next < j->n;
			}
	}
	if (j->progress)
		fputs("\r\033[K", stderr);
	return ok;
}

bool jobs_workers(const char *text, int *workers)
{
	uint64_t n;

	if (unit_count(text, &n) || n == 0 || n > JOBS_MAX)
		return false;
	*workers = (int)n;
	return true;
}
