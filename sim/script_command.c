/* The commands in backticks of a script. They never run: what they would change of a kernel is changed in
 * struct script_env, questions are answered from the stack, and the rest is refused by name. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 64

struct words {
	char *w[WORDS_MAX];
	int n;
};

/* One word at *s into *to, quotes taken off; both move on. */
static void take_word(const char **s, char **to)
{
	char quote = '\0';

	for (; **s; (*s)++) {
		if (quote ? **s == quote : **s == '"' || **s == '\'')
			quote = quote ? '\0' : **s;
		else if (!quote && (strchr(" \t\n;", **s) || strncmp(*s, "&&", 2) == 0 ||
				    strncmp(*s, "\\\n", 2) == 0))
			break;
		else
			*(*to)++ = **s;
	}
	*(*to)++ = '\0';
}

/* The next command of a small shell's language: words up to a newline, ';' or '&&'; a backslash
 * joins lines, '#' begins a comment. The words are written to *to. False at the end. */
static bool next_command(const char **s, char **to, struct words *c)
{
	c->n = 0;
	for (;;) {
		if (strncmp(*s, "\\\n", 2) == 0) {
			*s += 2;
		} else if (**s == ' ' || **s == '\t') {
			(*s)++;
		} else if (**s == '#') {
			*s += strcspn(*s, "\n");
		} else if (**s == '\0' || **s == '\n' || **s == ';' || strncmp(*s, "&&", 2) == 0) {
			if (c->n)
				return true;
			if (!**s)
				return false;
			*s += **s == '&' ? 2 : 1;
		} else {
			char *word = *to;

			take_word(s, to);
			if (c->n < WORDS_MAX)
				c->w[c->n++] = word;
		}
	}
}

static void drop_redirections(struct words *c)
{
	int n = 0;

	for (int i = 0; i < c->n; i++) {
		const char *w = c->w[i];

		if (strcmp(w, ">") == 0 || strcmp(w, "2>") == 0 || strcmp(w, "&>") == 0)
			i++;
		else if (strncmp(w, "2>", 2) != 0 && strncmp(w, ">/dev", 5) != 0)
			c->w[n++] = c->w[i];
	}
	c->n = n;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int word_at(const struct words *c, const char *word)
{
	for (int i = 0; i < c->n; i++)
		if (strcmp(c->w[i], word) == 0)
			return i;
	return -1;
}

/* "... | grep -c TIME_WAIT | grep 1": the number of connections in a state. */
static enum script_cmd answer_sockstat(const struct words *c, script_count_fn *count, void *arg,
				       char *why, size_t cap)
{
	static const struct {
		const char *word;
		enum tcp_state state;
	} states[] = {{"CLOSED", TCP_CLOSED}, {"LISTEN", TCP_LISTEN}, {"SYN_SENT", TCP_SYN_SENT},
		      {"SYN_RCVD", TCP_SYN_RECEIVED}, {"ESTABLISHED", TCP_ESTABLISHED},
		      {"FIN_WAIT_1", TCP_FIN_WAIT_1}, {"FIN_WAIT_2", TCP_FIN_WAIT_2},
		      {"CLOSE_WAIT", TCP_CLOSE_WAIT}, {"CLOSING", TCP_CLOSING}, {"LAST_ACK", TCP_LAST_ACK},
		      {"TIME_WAIT", TCP_TIME_WAIT}};
	int at = word_at(c, "-c");

	for (size_t i = 0; at >= 0 && at + 1 < c->n && i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(c->w[at + 1], states[i].word) != 0)
			continue;
		int want = atoi(c->w[c->n - 1]), have = count(arg, states[i].state);

		if (want == have)
			return CMD_OK;
		snprintf(why, cap, "expected %d connections in %s, found %d", want, states[i].word, have);
		return CMD_FAILED;
	}
	snprintf(why, cap, "this use of sockstat is not understood");
	return CMD_REFUSED;
}

static enum script_cmd run_tc(const struct words *c, struct script_env *e)
{
	int at = word_at(c, "limit");

	e->link_down = at >= 0 && at + 1 < c->n && strcmp(c->w[at + 1], "0") == 0;
	if (word_at(c, "fq") >= 0)
		e->tcp.pacing = true;
	return CMD_OK;
}

static enum script_cmd run_ethtool(const struct words *c, struct script_env *e)
{
	int at = word_at(c, "tso");

	if (at >= 0 && at + 1 < c->n && strcmp(c->w[at + 1], "off") == 0)
		e->cut = true;
	return CMD_OK;
}

static enum script_cmd run_sysctls(struct words *c, struct script_env *e, char *why, size_t cap)
{
	for (int i = 1; i < c->n; i++)
		if (c->w[i][0] != '-' && script_sysctl(e, c->w[i], why, cap) != CMD_OK)
			return CMD_REFUSED;
	return CMD_OK;
}

/* "echo N > /sys/module/tcp_cubic/parameters/hystart_detect" and the same below /proc/sys. */
static enum script_cmd run_echo(const struct words *c, struct script_env *e, char *why, size_t cap)
{
	static const char cubic[] = "/sys/module/tcp_cubic/parameters/";
	char pair[200];

	if (c->n != 4 || strcmp(c->w[2], ">") != 0) {
		snprintf(why, cap, "this use of echo is not understood");
		return CMD_REFUSED;
	}
	if (strncmp(c->w[3], cubic, sizeof(cubic) - 1) == 0)
		snprintf(pair, sizeof(pair), "tcp_cubic.%s=%s", c->w[3] + sizeof(cubic) - 1, c->w[1]);
	else
		snprintf(pair, sizeof(pair), "%s=%s", c->w[3], c->w[1]);
	return script_sysctl(e, pair, why, cap);
}

static enum script_cmd run_one(struct words *c, struct script_env *e, script_count_fn *count, void *arg,
			       char *why, size_t cap)
{
	const char *name = base_name(c->w[0]);

	if (strcmp(name, "echo") == 0)
		return run_echo(c, e, why, cap);
	drop_redirections(c);
	if (strcmp(name, "defaults.sh") == 0)
		return script_linux_defaults(e, strncmp(c->w[0], "./", 2) == 0, why, cap);
	if (strcmp(name, "set_sysctls.py") == 0 || strcmp(name, "sysctl") == 0)
		return run_sysctls(c, e, why, cap);
	if (strncmp(name, "sysctl_restore_", 15) == 0 || strcmp(name, "tcpdrop") == 0)
		return CMD_OK; /* tidying up for the next script: each has a stack of its own */
	if (strcmp(name, "sockstat") == 0)
		return answer_sockstat(c, count, arg, why, cap);
	if (strcmp(name, "tc") == 0)
		return run_tc(c, e);
	if (strcmp(name, "ethtool") == 0)
		return run_ethtool(c, e);
	if (strcmp(name, "ip") == 0 && word_at(c, "tcp_metrics") > 0)
		return CMD_OK; /* no cache of metrics */
	if (strcmp(name, "nstat") == 0 && c->n == 1)
		return CMD_OK;
	if (strcmp(name, "grep") == 0 && c->n > 2 && strcmp(c->w[1], " 0A ") == 0) {
		if (count(arg, TCP_LISTEN) > 0)
			return CMD_OK;
		snprintf(why, cap, "expected a listener, found none");
		return CMD_FAILED;
	}
	snprintf(why, cap, "command '%s' is unknown", name);
	return CMD_REFUSED;
}

enum script_cmd script_command(const char *text, struct script_env *e, script_count_fn *count, void *arg,
			       char *why, size_t cap)
{
	char *words = malloc(2 * strlen(text) + 2), *to = words; /* a NUL behind each word */
	enum script_cmd r = CMD_OK;
	struct words c;

	if (!words)
		return CMD_REFUSED;
	while (r == CMD_OK && next_command(&text, &to, &c))
		r = run_one(&c, e, count, arg, why, cap);
	free(words);
	return r;
}
