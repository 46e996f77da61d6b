/* A small HTTP/1.1 server of files (RFC 9110, RFC 9112): GET and HEAD, below one directory, read as
 * the connection takes them. Keep-alive and pipelining; a request with a body ends the connection,
 * since nothing here wants one. No Date: we have no clock (RFC 9110 6.6.1). */
#include "app_server.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../stack/base/check.h"
#include "host.h"

#define REQUEST_MAX 8192
#define HEAD_MAX 512
#define IDLE_LIMIT (60 * SEC) /* a connection that moves nothing is not kept for ever */
#define AT_ONCE 64            /* requests answered in one call: the others want their turn too */
#define READ_UNIT 65536 /* of a file at once */

struct http {
	char request[REQUEST_MAX];
	size_t n;                /* bytes of it */
	char head[HEAD_MAX];     /* of the answer, and the body of an error */
	size_t head_len, head_sent;
	int file;                /* fd + 1; 0: none */
	uint64_t off, left;
	bool answering, last;    /* last: the connection ends behind this answer */
};

struct request {
	const char *method, *target, *version; /* terminated */
	bool has_host, has_body, close, keep_alive;
};

/* ---- parsing; what is wrong gives the status to answer with ---- */

static bool is_token(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("!#$%&'*+-.^_`|~", *s))
			return false;
	return true;
}

static bool value_has(const char *value, const char *word)
{
	size_t n = strlen(word);

	for (; *value; value += strcspn(value, ",")) {
		value += strspn(value, ", \t");
		if (strncasecmp(value, word, n) == 0 && (!value[n] || strchr(", \t", value[n])))
			return true;
	}
	return false;
}

static int parse_field(char *line, struct request *r)
{
	char *colon = strchr(line, ':'), *value;

	if (!colon)
		return 400;
	*colon = '\0';
	if (!is_token(line)) /* no blank before the colon, no folded lines: RFC 9112 5.1, 5.2 */
		return 400;
	value = colon + 1 + strspn(colon + 1, " \t");
	if (strcasecmp(line, "Host") == 0) {
		if (r->has_host)
			return 400;
		r->has_host = true;
	} else if (strcasecmp(line, "Transfer-Encoding") == 0) {
		r->has_body = true;
	} else if (strcasecmp(line, "Content-Length") == 0) {
		r->has_body |= strspn(value, "0") != strcspn(value, " \t");
	} else if (strcasecmp(line, "Connection") == 0) {
		r->close |= value_has(value, "close");
		r->keep_alive |= value_has(value, "keep-alive");
	}
	return 0;
}

/* `text` is the head up to its empty line, terminated. 0: well formed. */
static int parse_request(char *text, struct request *r)
{
	char *save = NULL, *line = strtok_r(text, "\n", &save), *end;
	int bad = 0;

	memset(r, 0, sizeof(*r));
	if (!line)
		return 400;
	line[strcspn(line, "\r")] = '\0';
	end = strchr(line, ' ');
	if (!end)
		return 400;
	*end++ = '\0';
	r->method = line;
	r->target = end;
	end = strchr(end, ' ');
	if (!end)
		return 400;
	*end++ = '\0';
	r->version = end;
	if (!is_token(r->method) || strncmp(r->version, "HTTP/", 5) != 0)
		return 400;
	if (strcmp(r->version, "HTTP/1.1") != 0 && strcmp(r->version, "HTTP/1.0") != 0)
		return 505;
	while (!bad && (line = strtok_r(NULL, "\n", &save)) != NULL) {
		line[strcspn(line, "\r")] = '\0';
		bad = parse_field(line, r);
	}
	if (!bad && strcmp(r->version, "HTTP/1.1") == 0 && !r->has_host)
		bad = 400; /* RFC 9112 3.2 */
	return bad;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path of a target, decoded, without its query. False: not a path that we take. */
static bool decode_path(const char *target, char *path, size_t cap)
{
	size_t n = 0;

	if (*target != '/')
		return false;
	for (; *target && *target != '?' && *target != '#'; target++) {
		char c = *target;

		if (c == '%') {
			int hi = hex(target[1]), lo = hi < 0 ? -1 : hex(target[2]);

			if (lo < 0)
				return false;
			c = (char)(hi << 4 | lo);
			target += 2;
		}
		if (c == '\0' || n + 1 >= cap)
			return false;
		path[n++] = c;
	}
	path[n] = '\0';
	return true;
}

/* ---- files ---- */

static bool below(const char *root, const char *path)
{
	size_t n = strlen(root);

	return strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == '\0' || n == 1);
}

/* Opens what the path names, symbolic links followed, if that lies below the root. 0 or a status. */
static int open_file(const char *root, const char *path, int *fd, uint64_t *size, char *real)
{
	char full[PATH_MAX];
	struct stat st;
	int n = snprintf(full, sizeof(full), "%s%s", root, path);

	if (n < 0 || (size_t)n >= sizeof(full) || !realpath(full, real) || !below(root, real))
		return 404;
	if (stat(real, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (strlen(real) + sizeof("/index.html") > PATH_MAX)
			return 404;
		strcat(real, "/index.html");
	}
	/* Non-blocking: a FIFO must not hold us up before fstat tells what it is. */
	*fd = open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0)
		return errno == EACCES ? 403 : 404;
	if (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(*fd);
		return 404;
	}
	*size = (uint64_t)st.st_size;
	return 0;
}

static const char *media_type(const char *path)
{
	static const char *const types[][2] = {
		{".html", "text/html; charset=utf-8"}, {".txt", "text/plain; charset=utf-8"},
		{".md", "text/plain; charset=utf-8"},  {".css", "text/css"},
		{".js", "text/javascript"},	       {".json", "application/json"},
		{".svg", "image/svg+xml"},	       {".png", "image/png"},
		{".jpg", "image/jpeg"},		       {".pdf", "application/pdf"},
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(types); i++)
		if (strcasecmp(dot, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

/* ---- answering ---- */

static const char *reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	default:
		return "HTTP Version Not Supported";
	}
}

static void put_head(struct http *h, int status, const char *type, uint64_t len)
{
	int n = snprintf(h->head, sizeof(h->head),
			 "HTTP/1.1 %d %s\r\nServer: tapir\r\nContent-Type: %s\r\nContent-Length: %llu\r\n"
			 "%s%s\r\n",
			 status, reason(status), type, (unsigned long long)len,
			 status == 405 ? "Allow: GET, HEAD\r\n" : "",
			 h->last ? "Connection: close\r\n" : "Connection: keep-alive\r\n");

	assert(n > 0 && (size_t)n < sizeof(h->head));
	h->head_len = (size_t)n;
}

static void answer_error(struct http *h, int status, bool body)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%d %s\n", status, reason(status));

	put_head(h, status, "text/plain; charset=utf-8", (uint64_t)n);
	assert(h->head_len + (size_t)n < sizeof(h->head));
	if (body) {
		memcpy(h->head + h->head_len, text, (size_t)n);
		h->head_len += (size_t)n;
	}
}

static void answer(struct server *sv, struct http *h, char *text)
{
	char path[REQUEST_MAX], real[PATH_MAX];
	struct request r;
	int status = parse_request(text, &r), fd;
	bool head = !status && strcmp(r.method, "HEAD") == 0;

	h->answering = true;
	h->head_sent = 0;
	h->left = h->off = 0;
	/* A head that we could not read may end elsewhere than we think: nothing behind it counts. */
	h->last = status || r.has_body || r.close ||
		  (strcmp(r.version, "HTTP/1.0") == 0 && !r.keep_alive);
	if (!status && !head && strcmp(r.method, "GET") != 0)
		status = 405;
	if (!status && !decode_path(r.target, path, sizeof(path)))
		status = 400;
	if (!status)
		status = open_file(sv->own, path, &fd, &h->left, real);
	if (status) {
		answer_error(h, status, !head);
		return;
	}
	put_head(h, 200, media_type(real), h->left);
	if (head) {
		close(fd);
		h->left = 0;
		return;
	}
	h->file = fd + 1;
}

static void close_file(struct http *h)
{
	if (h->file)
		close(h->file - 1);
	h->file = 0;
}

/* False: the stream takes no more now, or the connection had to be given up. */
static bool send_answer(struct http *h, struct stream *s)
{
	size_t len;
	void *to;

	h->head_sent += stream_write(s, h->head + h->head_sent, h->head_len - h->head_sent);
	if (h->head_sent < h->head_len)
		return false;
	while (h->left > 0) {
		len = h->left < READ_UNIT ? (size_t)h->left : READ_UNIT;
		to = stream_reserve(s, &len);
		if (!to)
			return false;
		len = len < h->left ? len : (size_t)h->left;
		ssize_t got = pread(h->file - 1, to, len, (off_t)h->off);

		if (got <= 0) { /* shorter than it was: the length we gave is a lie now */
			stream_abort(s);
			return false;
		}
		stream_commit(s, (size_t)got);
		h->off += (uint64_t)got;
		h->left -= (uint64_t)got;
	}
	close_file(h);
	h->answering = false;
	return true;
}

/* ---- requests out of the stream ---- */

/* The length of a whole head at the buffer's front, its empty line included; 0: not there yet. */
static size_t head_length(const struct http *h)
{
	for (size_t i = 0; i + 1 < h->n; i++) {
		if (h->request[i] != '\n')
			continue;
		if (h->request[i + 1] == '\n')
			return i + 2;
		if (i + 2 < h->n && h->request[i + 1] == '\r' && h->request[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

static bool next_request(struct server *sv, struct http *h)
{
	char text[REQUEST_MAX + 1];
	size_t skip = 0, len;

	while (skip < h->n && (h->request[skip] == '\r' || h->request[skip] == '\n'))
		skip++; /* RFC 9112 2.2: empty lines before a request */
	h->n -= skip;
	memmove(h->request, h->request + skip, h->n);
	len = head_length(h);
	if (!len && h->n < REQUEST_MAX)
		return false;
	if (!len) {
		h->answering = h->last = true;
		h->head_sent = 0;
		answer_error(h, 431, true);
		return true;
	}
	memcpy(text, h->request, len);
	text[len] = '\0';
	h->n -= len;
	memmove(h->request, h->request + len, h->n);
	if (memchr(text, '\0', len))
		text[0] = '\0'; /* no request: 400 */
	else
		text[len - (len > 2 && text[len - 2] == '\r' ? 2 : 1)] = '\0';
	answer(sv, h, text);
	return true;
}

static void http_event(struct server *sv, struct stream *s, uint32_t bits)
{
	struct http *h = s->user;

	if (bits & STREAM_OPEN)
		stream_idle_limit(s, IDLE_LIMIT);
	for (int i = 0;; i++) {
		if (i == AT_ONCE) {
			stream_again(s);
			return;
		}
		if (h->answering && !send_answer(h, s))
			return;
		if (h->last) {
			stream_close(s);
			return;
		}
		h->n += stream_read(s, h->request + h->n, REQUEST_MAX - h->n);
		if (!next_request(sv, h))
			break;
	}
	if (s->ended)
		stream_finish(s);
}

static void http_over(struct server *sv, struct stream *s)
{
	(void)sv;
	close_file(s->user);
}

static void http_free(struct server *sv)
{
	free(sv->own);
}

static const struct server_ops http_ops = {
	.name = "http",
	.conn_size = sizeof(struct http),
	.event = http_event,
	.over = http_over,
	.free = http_free,
};

struct app *app_http(const struct serve_config *cfg, char *err, size_t cap)
{
	char *root = cfg->root ? realpath(cfg->root, NULL) : NULL;
	struct stat st;
	struct app *a;

	if (!root || stat(root, &st) < 0 || !S_ISDIR(st.st_mode)) {
		snprintf(err, cap, "%s: no such directory", cfg->root ? cfg->root : "(none)");
		free(root);
		return NULL;
	}
	a = server_new(&http_ops, cfg, root);
	if (!a)
		free(root);
	return a;
}
