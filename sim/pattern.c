/* The bytes of a flow, as text, so that a viewer that follows the stream shows where in it one is: each
 * line of 64 bytes begins with its offset, "00001c0:", and seven words of letters follow. Every word
 * depends on its index and the flow's key alone; no two words of 2 GB are equal.
 *
 * Bytes that are made and compared one by one would cost more than all of TCP, so whole lines are done
 * in vectors where the processor has them; a test compares the two ways. */
#include <string.h>

#include "app.h"

#define LINE 64
#define LINE_WORDS 8
#define WORD_VALUES 0x0fffffffu
#define SPREAD 0x9e3779b1u /* neighbours look unlike */

/* ---- word by word ---- */

/* The seven nibbles of v as bytes, the highest first in memory; the eighth byte is 0. */
static uint64_t nibbles(uint32_t v)
{
	uint64_t x = __builtin_bswap32(v << 4);

	x = (x & 0x0f0f0f0fu) | (uint64_t)(x & 0xf0f0f0f0u) << 28; /* low nibbles below, high ones above */
	uint64_t lo = x & 0xffffffffu, hi = x >> 32;

	lo = (lo | lo << 16) & 0x0000ffff0000ffffu;
	lo = (lo | lo << 8) & 0x00ff00ff00ff00ffu;
	hi = (hi | hi << 16) & 0x0000ffff0000ffffu;
	hi = (hi | hi << 8) & 0x00ff00ff00ff00ffu;
	return hi | lo << 8;
}

/* "00001c0:" for the line that begins with word i. */
static uint64_t head(uint64_t i)
{
	uint64_t digit = nibbles((uint32_t)(i * 8) & WORD_VALUES);
	uint64_t letter = (digit + 0x0606060606060606u) >> 4 & 0x0101010101010101u;

	return (digit + letter * ('a' - '0' - 10) + 0x0030303030303030u) | (uint64_t)':' << 56;
}

static uint64_t word(uint64_t key, uint64_t i)
{
	uint32_t at = (uint32_t)i % LINE_WORDS;

	if (at == 0)
		return head(i);
	uint64_t x = nibbles((uint32_t)(i + (key << 20)) * SPREAD & WORD_VALUES);

	return (x + 0x0061616161616161u) | (uint64_t)(at == LINE_WORDS - 1 ? '\n' : ' ') << 56;
}

/* The part of [off, off + len) that lies in off's word: its bytes in *w, their number. */
static size_t piece(uint64_t key, uint64_t off, size_t len, uint64_t *w)
{
	size_t n = 8 - off % 8;

	*w = word(key, off / 8) >> off % 8 * 8;
	return n < len ? n : len;
}

static void fill_words(uint64_t key, uint64_t off, uint8_t *p, size_t len)
{
	uint64_t w;

	for (size_t i = 0, n; i < len; i += n) {
		n = piece(key, off + i, len - i, &w);
		memcpy(p + i, &w, n);
	}
}

/* How many bytes from the first on are right. */
static size_t check_words(uint64_t key, uint64_t off, const uint8_t *p, size_t len)
{
	uint64_t w, is = 0;

	for (size_t i = 0, n; i < len; i += n) {
		n = piece(key, off + i, len - i, &w);
		if (n == 8) {
			memcpy(&is, p + i, 8);
			if (is == w)
				continue;
		}
		for (size_t k = 0; k < n; k++)
			if (p[i + k] != (uint8_t)(w >> k * 8))
				return i + k;
	}
	return len;
}

/* ---- whole lines ---- */

#if defined(__x86_64__)
#include <immintrin.h>

#define HAVE_VECTORS() __builtin_cpu_supports("avx2")
#define VECTORS __attribute__((target("avx2")))

struct lines {
	uint64_t i;         /* first word of the next line */
	uint64_t base_head; /* of the four lines that begin with offsets ..00 */
	__m256i letters;    /* 28 bits of each of the next four words, before they are spelled */
};

VECTORS static struct lines lines_from(uint64_t key, uint64_t i)
{
	uint64_t x = (i + (key << 20)) * SPREAD;

	return (struct lines){
		.i = i,
		.base_head = head(i / 32 * 32),
		.letters = _mm256_set_epi64x((long long)(x + 3ull * SPREAD), (long long)(x + 2ull * SPREAD),
					     (long long)(x + SPREAD), (long long)x),
	};
}

/* Seven letters from the low 28 bits of each word, the highest nibble first; `end` has what they are
 * added to. The upper 32 bits of a word are carries, and are not looked at. */
VECTORS static inline __m256i spell(__m256i x, __m256i end)
{
	const __m256i bytes = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(3, 2, 2, 1, 1, 0, 0, -1, 11, 10, 10, 9, 9, 8, 8, -1));
	const __m256i low = _mm256_set1_epi64x(0x000f000f000f000f);
	const __m256i high = _mm256_set1_epi64x(0x00000f000f000f00);
	__m256i b = _mm256_shuffle_epi8(x, bytes);

	b = _mm256_or_si256(_mm256_and_si256(b, low), _mm256_and_si256(_mm256_srli_epi64(b, 4), high));
	return _mm256_add_epi8(b, end);
}

VECTORS static inline void next_line(struct lines *l, __m256i *first, __m256i *second)
{
	static const uint8_t third_digit[] = {0, '4' - '0', '8' - '0', 'c' - '0'};
	const __m256i step = _mm256_set1_epi64x((long long)(4ull * SPREAD));
	const __m256i blank = _mm256_set1_epi64x(0x2061616161616161);
	const __m256i feed = _mm256_set_epi64x(0x0a61616161616161, 0x2061616161616161, 0x2061616161616161,
					       0x2061616161616161);
	uint64_t h;

	if (l->i % 32 == 0)
		l->base_head = head(l->i);
	h = l->base_head + ((uint64_t)third_digit[l->i / 8 % 4] << 40);
	*first = _mm256_blend_epi32(spell(l->letters, blank),
				    _mm256_castsi128_si256(_mm_cvtsi64_si128((long long)h)), 0x03);
	l->letters = _mm256_add_epi64(l->letters, step);
	*second = spell(l->letters, feed);
	l->letters = _mm256_add_epi64(l->letters, step);
	l->i += LINE_WORDS;
}

VECTORS static void fill_lines(uint64_t key, uint64_t off, uint8_t *p, size_t n)
{
	struct lines l = lines_from(key, off / 8);
	__m256i a, b;

	for (; n; n--, p += LINE) {
		next_line(&l, &a, &b);
		_mm256_storeu_si256((__m256i_u *)(void *)p, a);
		_mm256_storeu_si256((__m256i_u *)(void *)(p + 32), b);
	}
}

/* How many whole lines are right. */
VECTORS static size_t check_lines(uint64_t key, uint64_t off, const uint8_t *p, size_t n)
{
	struct lines l = lines_from(key, off / 8);
	__m256i a, b;

	for (size_t good = 0; good < n; good++, p += LINE) {
		next_line(&l, &a, &b);
		a = _mm256_xor_si256(a, _mm256_loadu_si256((const __m256i_u *)(const void *)p));
		b = _mm256_xor_si256(b, _mm256_loadu_si256((const __m256i_u *)(const void *)(p + 32)));
		a = _mm256_or_si256(a, b);
		if (!_mm256_testz_si256(a, a))
			return good;
	}
	return n;
}
#else
#define HAVE_VECTORS() 0

static void fill_lines(uint64_t key, uint64_t off, uint8_t *p, size_t n)
{
	fill_words(key, off, p, n * LINE);
}

static size_t check_lines(uint64_t key, uint64_t off, const uint8_t *p, size_t n)
{
	return check_words(key, off, p, n * LINE) / LINE;
}
#endif

/* Bytes up to the next line, and how many whole lines follow it. */
static size_t split(uint64_t off, size_t len, size_t *lines)
{
	size_t lead = (size_t)(-off % LINE);

	if (!HAVE_VECTORS() || lead >= len) {
		*lines = 0;
		return len;
	}
	*lines = (len - lead) / LINE;
	return lead;
}

void pattern_fill(uint64_t key, uint64_t off, void *to, size_t len)
{
	uint8_t *p = to;
	size_t lines, i = split(off, len, &lines);

	fill_words(key, off, p, i);
	if (lines)
		fill_lines(key, off + i, p + i, lines);
	i += lines * LINE;
	fill_words(key, off + i, p + i, len - i);
}

size_t pattern_check(uint64_t key, uint64_t off, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t lines, i = split(off, len, &lines), good = check_words(key, off, p, i);

	if (good < i)
		return good;
	if (lines)
		i += check_lines(key, off + i, p + i, lines) * LINE;
	return i + check_words(key, off + i, p + i, len - i);
}
