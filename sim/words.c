/* Nearness of words: the fewest letters to insert, delete, change or swap with their neighbour
 * (optimal string alignment), since these are the mistakes that fingers make. */
#include "words.h"

#include <string.h>

#define WORD_MAX 32

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= na; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++)
		for (size_t j = 1; j <= nb; j++) {
			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
				       d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	return d[na][nb];
}

const char *word_nearest(const char *word, const char *const *known, size_t n)
{
	size_t len = strlen(word);
	const char *best = NULL;
	unsigned least = len < 6 ? 1 : (unsigned)(len / 3);

	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t k = strlen(known[i]);
		unsigned d = k > WORD_MAX ? least + 1 : distance(word, len, known[i], k);

		if (d < least || (d == least && !best)) {
			best = known[i];
			least = d;
		}
	}
	return best;
}
